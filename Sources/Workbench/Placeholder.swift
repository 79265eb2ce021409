import Subprocess
import SystemPackage
import UnixSignals
import Crypto
enum PlaceholderWorkbench {}
