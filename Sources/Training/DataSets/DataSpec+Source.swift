import Files

extension DataSpec {
    /// What reads the rows.
    /// - Parameters:
    ///   - table: how a table is to be read; nil where the rows that they go with are no table.
    ///   - test: the test part, of data that come in two.
    ///   - encoding: how columns become features; nil: found out from the rows.
    ///   - survey: of rows that these must be like.
    public func source(table: TableOptions?, test: Bool, encoding: TableEncoding? = nil, like survey: Survey? = nil) throws -> any RowSource {
        switch self {
        case .fashionMNIST: return try DataSpec.fashionMNIST(test: test)
        case .idx(let images, let labels): return IDXSource(images: images, labels: labels, classNames: survey?.classNames)
        case .cifar10(let folder): return try CIFAR10Source(folder: folder, test: test)
        case .csv(let paths):
            guard let table else { throw Failure(.input, "csv: test rows need csv: or parquet: training rows") }
            return TableSource(paths, table, encoding: encoding, classNames: survey?.classNames)
        case .parquet(let paths):
            guard let table else { throw Failure(.input, "parquet: test rows need csv: or parquet: training rows") }
            return TableSource(paths, table, encoding: encoding, classNames: survey?.classNames, format: .parquet)
        // A table's features are standardised by the training rows; these are as they are.
        case .npz where table != nil, .libsvm where table != nil, .manifest where table != nil:
            throw Failure(.input, "test rows of a table must be csv: or parquet: too; save them as a table")
        case .npz(let path): return NPZSource(path, classNames: survey?.classNames)
        case .libsvm(let path): return LIBSVMSource(path, shape: survey?.shape, classNames: survey?.classNames)
        case .manifest(let path): return ManifestSource(path, like: survey)
        }
    }
}
