import Files
import Foundation

/// The providers of rows: each row's entry has a number, the names stand in one sealed setting.
extension Store {
    fileprivate static let groupsSetting = "groups"

    fileprivate struct Group: Codable {
        /// Empty where the group has no live row any more: a provider who is gone is named nowhere.
        var name: String
        var live: Int
    }

    fileprivate func groups() throws -> [Group] {
        guard let text = try setting(Self.groupsSetting) else { return [] }
        guard let groups = try? JSONDecoder().decode([Group].self, from: Data(text.utf8)) else { throw fault("the names of groups are not readable") }
        return groups
    }

    /// Names of all groups, by number; empty where a group has no live row any more.
    public func groupNames() throws -> [String] { try groups().map(\.name) }
}

extension StoreChange {
    private func setGroups(_ groups: [Store.Group]) throws {
        let named = groups.map { Store.Group(name: $0.live > 0 ? $0.name : "", live: $0.live) }
        try set(Store.groupsSetting, to: String(decoding: JSONEncoder().encode(named), as: UTF8.self))
    }

    /// - Parameter live: how many live rows each group has.
    public func setGroups(_ names: [String], live: [Int]) throws {
        precondition(names.count == live.count)
        try setGroups(zip(names, live).map(Store.Group.init))
    }

    /// Gives groups so many live rows more, by name; those that are not there yet come behind the others, in a drawn order.
    /// - Returns: the number of each.
    public func joinGroups(_ joining: [String: Int]) throws -> [String: Int] {
        var groups = try store.groups(), numbers: [String: Int] = [:]
        for (name, rows) in joining.shuffled() {
            let number = groups.firstIndex { $0.name == name } ?? groups.count
            if number == groups.count { groups.append(Store.Group(name: name, live: 0)) }
            groups[number].live += rows
            numbers[name] = number
        }
        if !joining.isEmpty { try setGroups(groups) }
        return numbers
    }

    /// Takes so many live rows, by group, away from what the groups have.
    func takeFromGroups(_ leaving: [Int: Int]) throws {
        var groups = try store.groups()
        for (number, rows) in leaving {
            guard groups.indices.contains(number), groups[number].live >= rows else { throw store.fault("\(store.cataloguePath): a group has fewer rows than are deleted from it") }
            groups[number].live -= rows
        }
        try setGroups(groups)
    }
}
