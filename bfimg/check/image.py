"""Check a whole image: its layout, its boot chain, and what its regions hold."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.check import codes
from bfimg.check.boot_chain import check_boot_chain, check_legacy_kernel
from bfimg.check.cache import check_cache
from bfimg.check.layout import check_gpt, check_mbr, check_regions, check_reserved
from bfimg.check.modules import check_module, kernel_features
from bfimg.check.report import CheckReport, Collector, Finding, Planned
from bfimg.check.volume import VolumeCheck
from bfimg.image.probe import ImageKind, Region, probe
from bfimg.image.store import Store


def check_image(store: Store) -> CheckReport:
    """Everything wrong with an image, pending changes included. Damage never raises; it becomes findings.

    Raises InputError when the image's file cannot be read.
    """
    check = ImageCheck(store)
    return CheckReport(check.kind, tuple(check.findings()))


class ImageCheck:
    """The check of an image, done when the object is made: what is wrong, and what can be mended."""

    def __init__(self, store: Store) -> None:
        found = probe(store)
        self.kind = found.kind
        self._features = kernel_features(store, found)
        self._layout = Collector()
        self._volumes: list[VolumeCheck] = []
        self._contents = Collector()
        check_mbr(store, found, self._layout)
        check_regions(store, found, self._layout)
        if found.kind is ImageKind.BAREFLOW:
            check_boot_chain(store, found, self._layout)
        elif found.kind is ImageKind.LEGACY:
            check_legacy_kernel(store, found, self._layout)
        for region in found.regions:
            if region.content == "gpt":
                check_gpt(store, region, self._layout)
            elif region.content == "jit cache":
                check_cache(store, region, self._contents)
            elif region.content == "fat" or (region.expects_fat and not region.truncated):
                self._volume(store, region)
        if found.kind is ImageKind.UNKNOWN:
            self._unknown(store)

    def _unknown(self, store: Store) -> None:
        """Nothing known, unless it is a FAT volume whose boot sector has suffered."""
        volume = VolumeCheck(store, "fat", 0)
        if volume.geometry is None and not volume.found.planned:
            self._layout.add(codes.UNKNOWN_IMAGE, "data", 0, "nothing that bfimg knows")
            return
        if volume.geometry is not None:
            volume.found.withhold_all()  # what only resembles a volume is not to be changed
        self._volumes.append(volume)

    def _volume(self, store: Store, region: Region) -> None:
        volume = VolumeCheck(store, region.name, region.offset)
        self._volumes.append(volume)
        if volume.geometry is None or volume.chains is None:
            return
        if volume.geometry.total_bytes > region.size:
            message = f"volume of {volume.geometry.total_bytes} bytes in a region of {region.size}"
            self._contents.add(codes.VOLUME_TOO_LONG, f"{region.name}.bpb", region.offset, message)
        if self.kind is ImageKind.BAREFLOW and volume.geometry.bits != 16:
            message = f"FAT{volume.geometry.bits}, the kernel reads FAT16"
            self._contents.add(codes.KERNEL_FAT_TYPE, region.name, region.offset, message)
        check_reserved(store, region, volume.geometry, self._contents)
        for file in volume.modules:
            check_module(volume, file, self._features, self._contents)

    def _collectors(self) -> Iterator[Collector]:
        yield self._layout
        for volume in self._volumes:
            yield volume.found
        yield self._contents

    def findings(self) -> Iterator[Finding]:
        """All findings: layout, volumes, modules and cache."""
        for collector in self._collectors():
            yield from collector.findings

    def planned(self) -> Iterator[tuple[VolumeCheck | None, list[Planned]]]:
        """Fixes, with the volume they are for; None for those of the layout."""
        yield None, self._layout.planned
        for volume in self._volumes:
            yield volume, volume.found.planned
