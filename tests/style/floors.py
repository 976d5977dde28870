"""The floors of the house: who may include whom, and which third-party headers each folder may
use. docs/architecture.md says the same in words."""

import re
from dataclasses import dataclass

STANDARD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono
cinttypes climits clocale cmath codecvt compare complex concepts condition_variable coroutine
csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque
exception execution filesystem format forward_list fstream functional future initializer_list
iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource
mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string
string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
unordered_set utility valarray variant vector version
""".split())

# Standard headers that bring a clock, a file, a thread or a log into a pure room.
IMPURE_STANDARD = set("""
barrier condition_variable csetjmp csignal ctime execution filesystem fstream future iostream latch
mutex random regex semaphore shared_mutex stop_token syncstream thread
""".split())


@dataclass(frozen=True)
class Room:
    """A folder. `below` are the rooms it may include from, beside itself. `extern` are regular
    expressions over <…> names beyond the standard library; `pure` also forbids POSIX."""

    folder: str
    floor: int
    below: tuple[str, ...]
    extern: tuple[str, ...] = ()
    pure: bool = False
    # (file pattern, header pattern): a header that only these files of the room may include.
    only_in: tuple[tuple[str, str], ...] = ()


ASIO = r"boost/(asio|system)(/|\.hpp)"
JSON = r"boost/json(/|\.hpp)"
EXPECTED = r"tl/expected\.hpp"
OPENSSL = r"openssl/"

CORE = ("core",)
SENSING = ("core", "core/io", "triggers")
HANDS = ("core", "core/io", "actions")
THINKING = ("core", "triggers", "actions", "engine")
SHELLS = ("triggers/probes", "triggers/sources", "actions/steps", "actions/notify")

ROOMS = (
    Room("core", 0, (), (JSON, r"boost/describe(/|\.hpp)", EXPECTED, OPENSSL), pure=True, only_in=(
        (r"core/json\.hpp|core/pch\.hpp", r"boost/describe"),
        (r"core/record\.cpp", OPENSSL),
    )),
    Room("core/io", 1, CORE,
         (ASIO, JSON, OPENSSL, r"boost/(beast|url)(/|\.hpp)", r"boost/assert\.hpp", r"hiredis/", r"pqxx/",
          r"libpq-fe\.h"),
         only_in=((r"core/io/separate_compilation\.cpp", r"boost/assert"),
                  (r"core/io/(pch\.hpp|separate_compilation\.cpp|http_\w+\.cpp|http\.cpp)", r"boost/beast"),)),
    Room("triggers", 1, CORE, (), pure=True),
    Room("actions", 1, CORE, (), pure=True),
    Room("triggers/probes", 2, SENSING, (ASIO, JSON, OPENSSL, r"boost/url", r"re2/")),
    Room("triggers/sources", 2, SENSING, (ASIO, JSON, OPENSSL, r"boost/url", r"re2/")),
    Room("actions/steps", 2, HANDS, (ASIO, JSON, OPENSSL, r"boost/url", r"re2/", r"curl/")),
    Room("actions/notify", 2, HANDS, (ASIO, JSON, OPENSSL, r"boost/url", r"curl/")),
    Room("engine", 2, ("core", "triggers", "actions"), (), pure=True),
    # Of the shells it takes the registries: what types there are.
    Room("config", 3, THINKING + SHELLS, (r"yaml-cpp/", JSON)),
    Room("daemon/store", 3, THINKING + ("core/io",), (ASIO, JSON, r"sqlite3\.h", r"libpq-fe\.h")),
    Room("api", 4, THINKING + ("core/io", "config", "daemon/store") + SHELLS,
         (ASIO, JSON, OPENSSL, r"boost/(beast|url)(/|\.hpp)", r"zlib\.h", r"re2/"),
         only_in=((r"api/\w*server\w*\.cpp", r"boost/beast"), (r"api/negotiate\.cpp", r"zlib\.h"),
                  (r"api/schema\w*\.cpp", r"re2/"))),
    Room("daemon", 5, THINKING + ("core/io", "config", "daemon/store", "api") + SHELLS,
         (ASIO, JSON, r"spdlog/", r"fmt/", r"prometheus/", r"systemd/")),
    Room("cli", 6, THINKING + ("core/io", "config", "daemon/store") + SHELLS,
         (ASIO, JSON, r"boost/url", r"CLI/", OPENSSL)),
)

# Heavy or leaky headers stay in .cpp files; precompiled headers are no interface.
ONLY_IN_CPP = (r"boost/beast", r"pqxx/", r"hiredis/", r"curl/", r"yaml-cpp/", r"sqlite3\.h", r"spdlog/",
               r"prometheus/", r"CLI/", r"re2/")


def room_of(path: str) -> Room | None:
    """The innermost room a file belongs to; a deeper folder belongs to the room around it."""
    candidates = [room for room in ROOMS if path.startswith(room.folder + "/")]
    return max(candidates, key=lambda room: len(room.folder), default=None)


def is_posix(header: str) -> bool:
    return bool(re.fullmatch(r"(sys|linux|netinet|arpa|net|bits)/[\w/]+\.h|[a-z_0-9]+\.h", header)) \
        and header != "sqlite3.h"
