/// Mutual information between rows, and the selection of rows that share little of it.
