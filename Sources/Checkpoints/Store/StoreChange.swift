/// What a transaction may change: `Store.transaction` hands one into its closure, every change of the catalogue is made through it,
/// and the compiler lets none outlive its transaction.
public struct StoreChange: ~Copyable {
    let store: Store

    /// Only the store makes one, inside a transaction of its database.
    init(_ store: Store) { self.store = store }
}
