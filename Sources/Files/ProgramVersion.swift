/// The version of the program and of its results.
public let programVersion = "0.2.0"
