import Files
import Foundation

/// The providers of rows: each row's entry has a number, the names stand in one sealed setting.
extension Store {
    private static let groupsSetting = "groups"

    private struct Group: Codable {
        /// Empty where the group has no live row any more: a provider who is gone is named nowhere.
        var name: String
        var live: Int
    }

    private func groups() throws -> [Group] {
        guard let text = try setting(Self.groupsSetting) else { return [] }
        guard let groups = try? JSONDecoder().decode([Group].self, from: Data(text.utf8)) else { throw fault("the names of groups are not readable") }
        return groups
    }

    private func setGroups(_ groups: [Group]) throws {
        let named = groups.map { Group(name: $0.live > 0 ? $0.name : "", live: $0.live) }
        try set(Self.groupsSetting, to: String(decoding: JSONEncoder().encode(named), as: UTF8.self))
    }

    /// Names of all groups, by number; empty where a group has no live row any more.
    public func groupNames() throws -> [String] { try groups().map(\.name) }

    /// Inside a transaction.
    /// - Parameter live: how many live rows each group has.
    public func setGroups(_ names: [String], live: [Int]) throws {
        precondition(names.count == live.count)
        try setGroups(zip(names, live).map(Group.init))
    }

    /// Takes so many live rows, by group, away from what the groups have.
    func takeFromGroups(_ leaving: [Int: Int]) throws {
        var groups = try groups()
        for (number, rows) in leaving {
            guard groups.indices.contains(number), groups[number].live >= rows else { throw fault("\(cataloguePath): a group has fewer rows than are deleted from it") }
            groups[number].live -= rows
        }
        try setGroups(groups)
    }
}
