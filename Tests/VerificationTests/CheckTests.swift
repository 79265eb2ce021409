import Sandbox
import Testing
import Workbench

@testable import Verification

struct CheckTests {
    @Test func everyCheckComesAfterWhatItNeeds() {
        let order = Check.allCases
        for check in order {
            guard let needed = check.needs else { continue }
            #expect(order.firstIndex(of: needed)! < order.firstIndex(of: check)!, "\(check)")
        }
        #expect(Set(order.map(\.rawValue)).count == order.count)
    }
}
