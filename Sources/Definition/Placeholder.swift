enum PlaceholderDefinition {}
import Yams
