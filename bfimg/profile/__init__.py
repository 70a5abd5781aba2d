"""What the kernel measured: read an export, look at it, draw it, compare two: ``read_profile(Path("out.json"))``."""

from bfimg.profile.compare import Change, Comparison, compare
from bfimg.profile.flame import flame_svg
from bfimg.profile.model import CallEdge, CallNode, FunctionProfile, ModuleProfile, Profile, Statistics
from bfimg.profile.read import parse_profile, read_profile
from bfimg.profile.stacks import folded

__all__ = [
    "CallEdge",
    "CallNode",
    "Change",
    "Comparison",
    "FunctionProfile",
    "ModuleProfile",
    "Profile",
    "Statistics",
    "compare",
    "flame_svg",
    "folded",
    "parse_profile",
    "read_profile",
]
