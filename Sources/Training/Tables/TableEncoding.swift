/// How the columns of a table become features. Made from the rows present at `init` and kept in the project; it is
/// not remade when rows are deleted (Documentation/Limits.md), but names of categories that no row has any more go.
public struct TableEncoding: Sendable, Codable, Equatable {
    /// A feature is (value − mean) / deviation; a constant column has deviation 1.
    public struct Standardisation: Sendable, Codable, Equatable {
        public let mean: Double
        public let deviation: Double

        public init(mean: Double, deviation: Double) {
            self.mean = mean
            self.deviation = deviation
        }
    }

    public struct Column: Sendable, Equatable {
        public enum Kind: Sendable, Equatable {
            case number(Standardisation)
            /// Days since 1970-01-01 and, where there are times, seconds of the day: each a feature.
            case date(day: Standardisation, time: Standardisation?)
            /// 1 for true, −1 for false.
            case boolean
            /// One feature for each category and, where `pooled`, one for all others; without that, an unknown category is all zeros.
            case categories([String], pooled: Bool)
        }

        public let name: String
        public let kind: Kind
        /// Whether one more feature says that a value is missing; the others are 0 then, which is the mean. Categories need none: an
        /// empty cell is one of them.
        public let hasGaps: Bool

        public init(name: String, kind: Kind, hasGaps: Bool = false) {
            self.name = name
            self.kind = kind
            self.hasGaps = hasGaps
        }

        /// How many features it becomes.
        public var features: Int {
            let values =
                switch kind {
                case .number, .boolean: 1
                case .date(_, let time): time == nil ? 1 : 2
                case .categories(let names, let pooled): names.count + (pooled ? 1 : 0)
                }
            return values + (hasGaps ? 1 : 0)
        }

        /// The names of its categories; nil where it has none.
        public var categories: [String]? {
            guard case .categories(let names, _) = kind else { return nil }
            return names
        }

        fileprivate func with(categories names: [String]) -> Column {
            guard case .categories(_, let pooled) = kind else { return self }
            return Column(name: name, kind: .categories(names, pooled: pooled), hasGaps: hasGaps)
        }
    }

    public let columns: [Column]
    /// Numbers are written with a decimal comma.
    public let decimalComma: Bool

    package init(columns: [Column], decimalComma: Bool = false) {
        self.columns = columns
        self.decimalComma = decimalComma
    }

    public var features: Int { columns.reduce(0) { $0 + $1.features } }

    /// The same encoding with each column's categories in another order: between sorted neighbours, the place of one whose name
    /// is forgotten would tell how it began.
    public func shufflingCategories(using generator: inout PlacementGenerator) -> TableEncoding {
        TableEncoding(
            columns: columns.map { column in
                guard var names = column.categories else { return column }
                generator.shuffle(&names)
                return column.with(categories: names)
            }, decimalComma: decimalComma)
    }

    /// Stands for a category whose name is forgotten; no field can hold it, because tables with NULs are refused.
    private static let forgotten = "\0"

    /// Whether each category that still has a name has one of its own.
    package static func areDistinct(categories names: [String]) -> Bool {
        let named = names.filter { $0 != forgotten }
        return Set(named).count == named.count
    }

    /// The same encoding without the names of some categories; their features stay where they are and are always 0.
    public func forgetting(_ places: [(column: Int, category: Int)]) -> TableEncoding {
        var columns = columns
        for (column, category) in places {
            guard var names = columns[column].categories else { continue }
            names[category] = Self.forgotten
            columns[column] = columns[column].with(categories: names)
        }
        return TableEncoding(columns: columns, decimalComma: decimalComma)
    }
}

extension TableEncoding {
    private enum CodingKeys: String, CodingKey {
        case columns, decimalComma
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        columns = try container.decode([Column].self, forKey: .columns)
        decimalComma = try container.decodeIfPresent(Bool.self, forKey: .decimalComma) ?? false
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(columns, forKey: .columns)
        if decimalComma { try container.encode(true, forKey: .decimalComma) }
    }
}

/// One flat object a column: `{"kind": "number", "name": "age", "mean": 40, "deviation": 12, "gaps": true}`.
extension TableEncoding.Column: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, name, gaps, mean, deviation, timeMean, timeDeviation, categories, pooled
        /// Projects made before there were other kinds hold one of these two, with the fields inside.
        case numeric, oneHot
    }

    private enum KindName: String, Codable {
        case number, date, boolean, categories
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func standardisation(_ fields: KeyedDecodingContainer<CodingKeys>, _ mean: CodingKeys, _ deviation: CodingKeys) throws -> TableEncoding.Standardisation {
            TableEncoding.Standardisation(mean: try fields.decode(Double.self, forKey: mean), deviation: try fields.decode(Double.self, forKey: deviation))
        }
        if container.contains(.numeric) {
            let fields = try container.nestedContainer(keyedBy: CodingKeys.self, forKey: .numeric)
            self.init(name: try fields.decode(String.self, forKey: .name), kind: .number(try standardisation(fields, .mean, .deviation)))
            return
        }
        if container.contains(.oneHot) {
            let fields = try container.nestedContainer(keyedBy: CodingKeys.self, forKey: .oneHot)
            self.init(name: try fields.decode(String.self, forKey: .name), kind: .categories(try fields.decode([String].self, forKey: .categories), pooled: false))
            return
        }
        let kind: Kind
        switch try container.decode(KindName.self, forKey: .kind) {
        case .number: kind = .number(try standardisation(container, .mean, .deviation))
        case .date:
            kind = .date(
                day: try standardisation(container, .mean, .deviation),
                time: container.contains(.timeMean) ? try standardisation(container, .timeMean, .timeDeviation) : nil)
        case .boolean: kind = .boolean
        case .categories:
            kind = .categories(try container.decode([String].self, forKey: .categories), pooled: try container.decodeIfPresent(Bool.self, forKey: .pooled) ?? false)
        }
        self.init(name: try container.decode(String.self, forKey: .name), kind: kind, hasGaps: try container.decodeIfPresent(Bool.self, forKey: .gaps) ?? false)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        if hasGaps { try container.encode(true, forKey: .gaps) }
        func encode(_ standardisation: TableEncoding.Standardisation, _ mean: CodingKeys, _ deviation: CodingKeys) throws {
            try container.encode(standardisation.mean, forKey: mean)
            try container.encode(standardisation.deviation, forKey: deviation)
        }
        switch kind {
        case .number(let standardisation):
            try container.encode(KindName.number, forKey: .kind)
            try encode(standardisation, .mean, .deviation)
        case .date(let day, let time):
            try container.encode(KindName.date, forKey: .kind)
            try encode(day, .mean, .deviation)
            if let time { try encode(time, .timeMean, .timeDeviation) }
        case .boolean: try container.encode(KindName.boolean, forKey: .kind)
        case .categories(let names, let pooled):
            try container.encode(KindName.categories, forKey: .kind)
            try container.encode(names, forKey: .categories)
            if pooled { try container.encode(true, forKey: .pooled) }
        }
    }
}
