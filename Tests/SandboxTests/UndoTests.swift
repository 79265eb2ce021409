import Testing

@testable import Sandbox

@Suite("Undo")
struct UndoTests {
    @Test func `last in, first out`() async {
        let (undo, record) = (Undo(), Record())
        for name in ["network", "machine", "key"] { await undo.register(name, remedy: "") { record.add(name) } }
        #expect(await undo.unwind() == [])
        #expect(record.lines == ["key", "machine", "network"])
    }

    @Test func `one that fails stops no other and is named with its remedy`() async {
        let (undo, record) = (Undo(), Record())
        await undo.register("network", remedy: "ip netns del x") { record.add("network") }
        await undo.register("mount /m", remedy: "umount /m") { throw Failure(.failed, "busy") }
        #expect(await undo.unwind() == ["mount /m could not be removed: busy; remove it with: umount /m"])
        #expect(record.lines == ["network"])
    }

    @Test func `nothing is removed twice`() async {
        let (undo, record) = (Undo(), Record())
        await undo.register("key", remedy: "") { record.add("key") }
        _ = await undo.unwind()
        _ = await undo.unwind()
        #expect(record.lines == ["key"])
    }

    @Test func `what may be kept is forgotten on demand`() async {
        let (undo, record) = (Undo(), Record())
        await undo.register("machine", remedy: "", isKeepable: true) { record.add("machine") }
        await undo.register("lock", remedy: "") { record.add("lock") }
        await undo.remember(hint: "ssh there")
        #expect(await undo.forgetKept() == ["ssh there"])
        _ = await undo.unwind()
        #expect(record.lines == ["lock"])
    }

    @Test func `what is still to be removed is listed with its remedy`() async {
        let undo = Undo()
        let line = "mount /only-here; remove it with: umount /only-here"
        await undo.register("mount /only-here", remedy: "umount /only-here") {
            #expect(PendingRemovals.lines.contains(line))
        }
        #expect(PendingRemovals.lines.contains(line))
        #expect(await undo.unwind() == [])
        #expect(!PendingRemovals.lines.contains(line))
    }
}
