/// An object file that is on the device but that the catalogue does not name yet.
public struct StagedObject {
    public let name: ObjectName
    public let bytes: Int
    public let kind: ObjectKind
    public let block: Int
    public let digest: Digest
    /// The object's own key; nil where nothing is encrypted.
    let key: SecretKey?
}

/// An object that the catalogue names.
public struct StoredObject: Sendable {
    public let name: ObjectName
    let entry: ObjectEntry
    /// The entry and the object's own key, as the catalogue keeps them.
    let cell: [UInt8]

    public var kind: ObjectKind { entry.kind }
    public var block: Int { entry.block }
    /// Length and digest of the file.
    public var bytes: Int { entry.bytes }
    public var digest: Digest { entry.digest }
    public var file: String { name.description }
}

/// All objects of a project by name and by place, as one state of the catalogue has them. A value: a transaction that fails puts
/// the one from before it back.
struct ObjectIndex {
    private struct Place: Hashable {
        let kind: ObjectKind
        let block: Int
    }

    private(set) var objects: [ObjectName: StoredObject] = [:]
    /// Of those that are not condemned.
    private var places: [Place: ObjectName] = [:]

    subscript(name: ObjectName) -> StoredObject? { objects[name] }

    /// The one object in use of a kind and block.
    func object(_ kind: ObjectKind, _ block: Int) -> StoredObject? { places[Place(kind: kind, block: block)].flatMap { objects[$0] } }

    /// Those in use of some kinds, by kind and block.
    /// - Complexity: O(n log n) in the number of objects.
    func inUse(where isWanted: (ObjectKind) -> Bool = { _ in true }) -> [StoredObject] {
        objects.values.filter { !$0.entry.isCondemned && isWanted($0.kind) }
            .sorted { ($0.kind.rawValue, $0.block) < ($1.kind.rawValue, $1.block) }
    }

    var condemned: [StoredObject] { objects.values.filter(\.entry.isCondemned).sorted { ($0.kind.rawValue, $0.block, $0.name) < ($1.kind.rawValue, $1.block, $1.name) } }

    /// Takes an object in, or its new entry.
    /// - Returns: false where another object in use has its place.
    @discardableResult
    mutating func set(_ object: StoredObject) -> Bool {
        let place = Place(kind: object.kind, block: object.block)
        if object.entry.isCondemned {
            if places[place] == object.name { places[place] = nil }
        } else {
            guard places[place] == nil || places[place] == object.name else { return false }
            places[place] = object.name
        }
        objects[object.name] = object
        return true
    }

    mutating func remove(_ name: ObjectName) {
        guard let object = objects.removeValue(forKey: name) else { return }
        let place = Place(kind: object.kind, block: object.block)
        if places[place] == name { places[place] = nil }
    }
}
