// No guard: included behind the kernels of each instruction set.
#undef TARGET
#undef NAMED
#undef LANES
#undef MASKS_COST
#undef ROWS_OF_1
#undef ROWS_OF_2
#undef ROWS_OF_3
#undef ROWS_OF_4
#undef DOT_ROWS
#undef DOT_COLUMNS
