#include "loader/volumes.h"
#include "machine/cpu.h"
#include "machine/cpu_features.h"
#include "machine/image.h"
#include "machine/pci.h"
#include "memory/pools.h"
#include "profile/profile.h"
#include "report/export.h"
#include "report/json.h"
#include "report/machine.h"

static void put_features(const char *key, uint32_t features)
{
    json_array(key);
    for (const struct cpu_feature *row = cpu_feature_table; row < cpu_feature_table_end; row++)
        if (features & row->feature)
            json_text(0, row->name + 1);
    json_close();
}

static void put_cpu(uint32_t needed)
{
    struct cpu_identity cpu;
    const char *brand = cpu.brand;
    cpu_identify(&cpu);
    while (*brand == ' ')
        brand++;
    json_object("cpu");
    json_text("vendor", cpu.vendor);
    json_text("brand", brand);
    json_number("family", cpu.family);
    json_number("model", cpu.model);
    json_number("stepping", cpu.stepping);
    put_features("features", cpu_features_present());
    put_features("needed", needed);
    json_close();
}

static void put_probe(void)
{
    json_object("probe");
    json_number("inner", profile_probe_inner());
    json_number("outer", profile_probe_outer());
    json_close();
}

static void put_statistics(const struct memory_statistics *memory)
{
    _Static_assert(sizeof *memory == 7 * sizeof(uint32_t), "keys are those of the members in their order");
    json_numbers("size\0used\0free\0peak\0largest_free\0allocations\0fragmentation_percent\0", (const uint32_t *)memory);
    json_close();
}

static void put_memory(void)
{
    struct memory_statistics statistics = heap_statistics(&kernel_heap);
    json_object("memory");
    json_object("heap");
    put_statistics(&statistics);
    json_array("pools");
    for (unsigned id = 0; id < POOLS; id++) {
        statistics = pool_statistics(id);
        json_object(0);
        json_text("name", pool_name(id));
        put_statistics(&statistics);
    }
    json_close();
    json_close();
}

static void put_devices(void)
{
    struct pci_device devices[PCI_MAX_DEVICES];
    unsigned count = pci_enumerate(devices);
    json_array("pci");
    for (unsigned i = 0; i < count && i < PCI_MAX_DEVICES; i++) {
        json_object(0);
        put_pci_device(&devices[i]);
        json_close();
    }
    json_close();
}

static void put_volumes(void)
{
    const struct fat_volume *volume;
    json_array("volumes");
    for (uint32_t i = 0; (volume = volume_at(i)); i++) {
        json_object(0);
        json_text("drive", volume->drive->name);
        json_number("lba", volume->lba);
        json_text("label", volume->label);
        json_number("bytes_read", volume->bytes_read);
        json_number("milliseconds", volume->milliseconds);
        json_close();
    }
    json_close();
}

void export_machine(void)
{
    json_hex("build_id", kernel_header.build_id, sizeof kernel_header.build_id);
    json_number("kernel_bytes", kernel_header.image_bytes);
    put_cpu(kernel_header.cpu_features);
    put_probe();
    put_memory();
    put_devices();
    put_volumes();
}
