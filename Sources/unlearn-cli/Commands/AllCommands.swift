extension CommandSpec {
    package static let all: [CommandSpec] = [
        .initialise, .append, .train, .evaluate, .predict, .delete, .audit, .bench, .whereRows, .status, .log, .certificate, .verifyCertificate, .check, .compact,
        .export, .value, .reduce, .completions, .man,
    ]
}
