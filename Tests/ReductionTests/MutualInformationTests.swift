import Reduction
import Testing
