/// What Python is given to run: `Scripts/parquet-to-csv` word for word, so that an installed program has it with it. A test compares the two.
enum ParquetScript {
    static let text = #"""
        #!/usr/bin/env python3
        """parquet-to-csv [--decimal-comma] [--ignore NAME]... [--only NAME]... FILE

        Writes the rows of a Parquet file as CSV (RFC 4180, UTF-8) to standard output, with Python's `pyarrow`, a batch of rows at a time; FILE
        may be - for standard input. `unlearn` reads Parquet files by this text: `init --data parquet:FILE`.

        Dates and times are ISO 8601, instants in UTC; what is missing (null, not a number) is an empty cell; truth values are true and false;
        numbers are the shortest that are read as the same number, durations their seconds; dictionaries and bytes are their text. Columns of
        lists, structures and maps, and of bytes that are no UTF-8, are refused by name, unless --ignore names them or --only does not: cells of
        such columns are empty. Exits 65 where the file is at fault, 69 where pyarrow is not there.
        """
        import sys

        # Python looks for modules first of all where it is started: in a folder of data, whatever lies there would be run.
        if sys.path[:1] == [""]:
            del sys.path[0]

        import argparse
        import csv
        import io
        import os
        import signal

        ROWS_AT_ONCE = 1 << 15
        WRONG_FILE, NO_PYARROW = 65, 69


        class Refused(Exception):
            """What is wrong with the file, in words that follow its name."""


        try:
            import pyarrow as pa
            import pyarrow.compute as pc
            import pyarrow.csv
            import pyarrow.parquet
        except ImportError as fault:
            print(f"Python's pyarrow cannot be loaded: {fault}", file=sys.stderr)
            sys.exit(NO_PYARROW)

        TYPES = pa.types
        BYTES = (TYPES.is_binary, TYPES.is_large_binary, TYPES.is_fixed_size_binary, getattr(TYPES, "is_binary_view", lambda kind: False))
        TEXT = (TYPES.is_string, TYPES.is_large_string, getattr(TYPES, "is_string_view", lambda kind: False))
        AS_IT_IS = (TYPES.is_null, TYPES.is_boolean, TYPES.is_integer, TYPES.is_floating, TYPES.is_decimal, TYPES.is_temporal)


        def plain(kind):
            """The type of a column's values, whatever they are wrapped in."""
            while True:
                if TYPES.is_dictionary(kind):
                    kind = kind.value_type
                elif isinstance(kind, pa.BaseExtensionType):
                    kind = kind.storage_type
                else:
                    return kind


        def has_text(kind):
            return any(test(plain(kind)) for test in BYTES + TEXT + AS_IT_IS) and not TYPES.is_interval(plain(kind))


        def with_comma(text, decimal_comma):
            return pc.replace_substring(text, ".", ",") if decimal_comma else text


        def cells(column, name, decimal_comma):
            """A column as `write_csv` is to have it."""
            kind = column.type
            if TYPES.is_dictionary(kind):
                return cells(column.dictionary_decode(), name, decimal_comma)
            if isinstance(kind, pa.BaseExtensionType):
                return cells(column.storage, name, decimal_comma)
            if TYPES.is_null(kind):
                return pa.nulls(len(column), pa.string())
            if TYPES.is_floating(kind):
                if TYPES.is_float16(kind):
                    column = column.cast(pa.float32())
                column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
                return with_comma(column.cast(pa.string()), True) if decimal_comma else column
            if TYPES.is_decimal(kind):
                # Without the zeros that only say how exact the column may be.
                text = pc.replace_substring_regex(column.cast(pa.string()), r"^(-?\d+)\.0+$", r"\1")
                return with_comma(pc.replace_substring_regex(text, r"^(-?\d+\.\d*[1-9])0+$", r"\1"), decimal_comma)
            if TYPES.is_date(kind):
                return column.cast(pa.date32()).cast(pa.string())
            if TYPES.is_timestamp(kind):
                # Of an instant what is stored is UTC; to name it as a zone's clock shows it would take the zones' history.
                text = column.cast(pa.int64()).cast(pa.timestamp(kind.unit)).cast(pa.string())
                text = pc.replace_substring(text, " ", "T")
                return text if kind.tz is None else pc.binary_join_element_wise(text, "Z", "")
            if TYPES.is_duration(kind):
                units = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
                return cells(pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), float(units)), name, decimal_comma)
            if TYPES.is_boolean(kind) or TYPES.is_integer(kind):
                return column
            try:
                return column if TYPES.is_string(kind) else column.cast(pa.string())
            except pa.ArrowInvalid:
                raise Refused(f"holds bytes in the column '{name}' that are no UTF-8 text; leave it out with --ignore-columns {name}, or write them as text")


        def reading(iterator):
            """What an iterator of pyarrow's gives; what it throws is the file's fault."""
            try:
                yield from iterator
            except (pa.ArrowException, OSError, EOFError) as fault:
                lines = str(fault).splitlines() or [type(fault).__name__]
                raise Refused(f"cannot be read as Parquet ({lines[0][:200]}); fetch it again, or write it anew")


        def opened(stream):
            if not stream.seekable():
                stream = io.BytesIO(stream.read())
            start = stream.read(4)
            if start == b"PARE":
                raise Refused("is an encrypted Parquet file; write it without encryption")
            if start != b"PAR1":
                raise Refused("is no Parquet file; name a file of text as csv:FILE")
            stream.seek(0)
            return next(reading(pa.parquet.ParquetFile(source) for source in [stream]))


        def convert(stream, output, ignored, only, decimal_comma):
            file = opened(stream)
            schema = file.schema_arrow
            twice = {name for name in schema.names if schema.names.count(name) > 1}
            if twice:
                raise Refused(f"has two columns '{min(twice)}'; rename one")
            wanted = [field for field in schema if field.name.strip() not in ignored and (not only or field.name.strip() in only)]
            nested = [field for field in wanted if not has_text(field.type)]
            if nested:
                names = ",".join(field.name for field in nested)
                kinds = ", ".join(f"'{field.name}' ({str(field.type)[:60]})" for field in nested[:10])
                raise Refused(f"has columns that are no column of a table: {kinds}; leave them out with --ignore-columns {names}, or write their parts as columns of their own")
            # All in quotes: whatever the names are, the text begins with no other format's signature.
            header = io.StringIO()
            csv.writer(header, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(schema.names)
            output.write(header.getvalue().encode())
            options = pa.csv.WriteOptions(include_header=False)
            names = {field.name for field in wanted}
            for batch in reading(file.iter_batches(ROWS_AT_ONCE, columns=[field.name for field in wanted])):
                columns = [
                    cells(batch.column(batch.schema.get_field_index(name)), name, decimal_comma) if name in names else pa.nulls(batch.num_rows, pa.string())
                    for name in schema.names
                ]
                pa.csv.write_csv(pa.RecordBatch.from_arrays(columns, [str(index) for index in range(len(columns))]), output, options)
            output.flush()


        def utf8(argument):
            """A name as it is in the file, in whatever language the system speaks."""
            return os.fsencode(argument).decode("utf-8", "surrogateescape")


        def main(arguments):
            parser = argparse.ArgumentParser(prog="parquet-to-csv", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
            parser.add_argument("--decimal-comma", action="store_true", help="write a half as 0,5")
            parser.add_argument("--ignore", metavar="NAME", action="append", default=[], type=utf8, help="a column whose cells are left empty")
            parser.add_argument("--only", metavar="NAME", action="append", default=[], type=utf8, help="the cells of all other columns are left empty")
            parser.add_argument("file", metavar="FILE")
            options = parser.parse_args(arguments)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            # Who hands over an open file knows its name, and says it.
            name = b"" if options.file == "-" else os.fsencode(options.file) + b" "
            try:
                with open(0 if options.file == "-" else os.fsencode(options.file), "rb", closefd=options.file != "-") as stream:
                    convert(stream, sys.stdout.buffer, set(options.ignore), set(options.only), options.decimal_comma)
                return 0
            except Refused as fault:
                sys.stderr.buffer.write(name + str(fault).encode("utf-8", "surrogateescape") + b"\n")
                return WRONG_FILE
            except OSError as fault:
                sys.stderr.buffer.write(name + f"cannot be converted: {fault.strerror or fault}\n".encode("utf-8", "surrogateescape"))
                return 1


        if __name__ == "__main__":
            sys.exit(main(sys.argv[1:]))

        """#
}
