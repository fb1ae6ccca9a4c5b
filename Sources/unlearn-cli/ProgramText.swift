import Files

/// What help and the manual say of the whole program.
enum ProgramText {
    static let summary = "trains a network block by block, deletes people's rows from it, and shows that it worked"

    static let folder = "the project's folder (default: UNLEARN_PROJECT, else the current folder)"

    static let example = "unlearn -C demo init --data fashion-mnist --model lenet5 && unlearn -C demo train"

    static let description = [
        """
        It keeps a compressed, encrypted checkpoint of every block. A deletion removes rows, retrains only the blocks that still remember \
        them, stitches the unaffected rest back on and destroys what was superseded; where that would be unsound, it replays exactly, to \
        the bits that training without the rows gives. What was done goes into a signed ledger, and a certificate of it can be checked \
        without the project.
        """,
        """
        Results go to standard output, progress and messages to standard error. Options take --name value and --name=value; -- ends \
        options. An interrupted command leaves the project as it was before or as it is after.
        """,
    ]

    static let exitStatuses: [(status: Int32, meaning: String)] = [
        (0, "done"),
        (FailureKind.failed.rawValue, "failed"),
        (FailureKind.input.rawValue, "wrong usage or input; nothing was changed"),
        (FailureKind.refused.rawValue, "an audit or guard says no"),
        (FailureKind.damaged.rawValue, "the store is damaged"),
        (FailureKind.locked.rawValue, "another process holds the project"),
        (FailureKind.noProject.rawValue, "no project here"),
        (FailureKind.interrupted.rawValue, "interrupted"),
    ]

    static let environment: [(name: String, meaning: String)] = [
        ("UNLEARN_PROJECT", "the project's folder where -C names none"),
        ("UNLEARN_KEY_FILE", "the project's key where it is not in the folder; init makes the file there"),
        ("UNLEARN_DATA", "the folder of Fashion-MNIST's files, instead of that of the package dataset-fashion-mnist"),
        ("UNLEARN_PYTHON", "the Python whose pyarrow reads parquet: files, instead of the python3 on PATH"),
        ("UNLEARN_PROGRESS", "text: progress where standard error is no terminal, too, as text that ends with a carriage return"),
        ("TERM", "where it is dumb, no progress bar is shown"),
    ]

    /// In the project's folder.
    static let files: [(name: String, meaning: String)] = [
        ("project.key", "the project's key: without it nothing can be read; back it up apart from the folder"),
        ("signing-key.pem", "the public key of the ledger and of certificates"),
        ("catalogue.sqlite", "what there is and where, and the ledger"),
        ("ledger-witness", "the ledger's size and root, outside the catalogue"),
        ("objects/", "rows and checkpoints, each file under a key of its own"),
        ("unlearn.lock", "held by the one command that writes"),
    ]
}
