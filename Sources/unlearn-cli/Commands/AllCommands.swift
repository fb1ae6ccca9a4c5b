extension CommandSpec {
    package static let all: [CommandSpec] = [
        .initialise, .append, .train, .evaluate, .predict, .delete, .request, .replay, .audit, .probe, .bench, .whereRows, .status, .log, .report, .certificate, .opening, .verifyCertificate, .check, .compact,
        .export, .value, .jobs, .reduce, .completions, .man,
    ]
}
