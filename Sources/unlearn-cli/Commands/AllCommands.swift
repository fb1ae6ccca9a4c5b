extension CommandSpec {
    static let all: [CommandSpec] = [
        .initialise, .train, .evaluate, .delete, .audit, .bench, .whereRows, .status, .check, .export,
    ]
}
