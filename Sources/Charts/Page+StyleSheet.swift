extension Page {
    /// Colours are those of Okabe and Ito (Color Universal Design, 2008), which people of every colour vision tell apart,
    /// darkened or lightened until lines stand out from the page 3 : 1 and text 4.5 : 1 (WCAG 2.2, 1.4.3 and 1.4.11). Series
    /// differ by dash and mark as well. Written so that XML reads it: no `<`, no `&`.
    static let styleSheet: StaticString = """
        :root {
          color-scheme: light dark;
          --page: #ffffff; --text: #1c1f23; --quiet: #565c64; --rule: #d4d8dd; --panel: #f4f6f8; --link: #00568a;
          --c0: #0072b2; --c1: #c24e00; --c2: #007a5a; --c3: #a3487f; --c4: #7d5f00; --c5: #4b5563; --muted: #b3bac2; --whisker: #1c1f23;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --page: #14171a; --text: #e8eaed; --quiet: #a9b1ba; --rule: #3a4149; --panel: #1f2429; --link: #7cc4f5;
            --c0: #56b4e9; --c1: #f58a4b; --c2: #2fc79c; --c3: #e493c0; --c4: #e6b93d; --c5: #b6bec8; --muted: #59626c; --whisker: #f5f6f7;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
        body {
          margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--text);
          font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
        }
        h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .75rem; }
        h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .5rem; }
        h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; }
        p, ul, figure { margin: .75rem 0; }
        p, section ul, figure, .facts { max-width: 52rem; }
        ul { padding-inline-start: 1.25rem; }
        li { margin: .35rem 0; }
        a { color: var(--link); }
        .answer { font-size: 1.2rem; line-height: 1.5; margin: .5rem 0; }
        .good { color: var(--c2); font-weight: 600; }
        .bad { color: var(--c1); font-weight: 600; }
        .quiet, figcaption, caption, footer { color: var(--quiet); font-size: .9rem; }
        footer { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: .75rem; }
        nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; padding: 0; font-size: .9rem; }
        nav li { margin: 0; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.6rem, 1fr)); gap: .6rem; margin: 1.25rem 0; }
        .tiles div { background: var(--panel); border-radius: .4rem; padding: .6rem .8rem; }
        .tiles dt { color: var(--quiet); font-size: .85rem; }
        .tiles dd { margin: 0; overflow-wrap: normal; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        .facts div { display: grid; grid-template-columns: minmax(7rem, 13rem) 1fr; gap: .1rem 1rem; padding: .4rem 0; border-bottom: 1px solid var(--rule); }
        .facts dt { color: var(--quiet); }
        .facts dd { margin: 0; font-variant-numeric: tabular-nums; }
        code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; }
        .scroll { overflow-x: auto; max-width: 100%; margin: .75rem 0; }
        .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        table { border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums lining-nums; }
        caption { text-align: start; padding-bottom: .35rem; }
        caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2rem); }
        th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
        thead th { vertical-align: bottom; font-weight: 600; font-size: .85rem; color: var(--quiet); border-bottom: 2px solid var(--rule); }
        th.words, td.words { text-align: start; }
        th.number, td.number { text-align: end; }
        td.number { white-space: nowrap; }
        table { overflow-wrap: break-word; }
        tbody th { font-weight: 600; min-width: 9rem; max-width: 15rem; position: sticky; left: 0; background: var(--page); }
        td.words { min-width: 5.5rem; }
        .chart { display: block; max-width: 100%; height: auto; overflow: visible; }
        .wide { width: 100%; }
        .narrow { display: none; }
        @media screen and (max-width: 719px) {
          .wide { display: none; }
          .narrow { display: block; width: 100%; max-width: 24rem; }
          body { padding: 1rem 1rem 2rem; }
          .facts div { grid-template-columns: 1fr; }
          table, caption, tbody, tbody tr, tbody th { display: block; max-width: none; }
          thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
          tbody tr { padding: .5rem 0; border-bottom: 1px solid var(--rule); }
          tbody th, tbody td { padding: .1rem 0; border: 0; }
          tbody th { position: static; }
          tbody td { display: flex; justify-content: space-between; gap: 1rem; }
          tbody td::before { content: attr(data-label); color: var(--quiet); white-space: normal; text-align: start; }
        }
        .chart text {
          font-size: 13px; fill: var(--text); font-variant-numeric: tabular-nums;
          paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round;
        }
        .chart .tick, .chart .note { fill: var(--quiet); }
        .chart .grid { stroke: var(--rule); stroke-width: 1; }
        .chart .axis { stroke: var(--quiet); stroke-width: 1; }
        .chart .zero { stroke: var(--text); stroke-width: 1.2; }
        .chart .lead { stroke: var(--muted); stroke-width: 1; }
        .chart .interval { stroke: var(--whisker); stroke-width: 1.4; }
        .chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .chart .mark { stroke: var(--page); stroke-width: 1; }
        .line.s0 { stroke: var(--c0); } .line.s1 { stroke: var(--c1); stroke-dasharray: 7 3; } .line.s2 { stroke: var(--c2); stroke-dasharray: 2 3; }
        .line.s3 { stroke: var(--c3); stroke-dasharray: 10 3 2 3; } .line.s4 { stroke: var(--c4); stroke-dasharray: 5 5; } .line.s5 { stroke: var(--c5); }
        .line.muted { stroke: var(--muted); stroke-width: 1; }
        .mark.s0, .bar.s0, .chart .t0 { fill: var(--c0); } .mark.s1, .bar.s1, .chart .t1 { fill: var(--c1); } .mark.s2, .chart .t2 { fill: var(--c2); }
        .mark.s3, .chart .t3 { fill: var(--c3); } .mark.s4, .chart .t4 { fill: var(--c4); } .mark.s5, .chart .t5 { fill: var(--c5); }
        .mark.muted { fill: var(--muted); }
        @page { margin: 16mm 15mm; }
        @media print {
          html { font-size: 9.5pt; }
          body { max-width: none; padding: 0; line-height: 1.35; }
          nav { display: none; }
          h1 { font-size: 1.6rem; margin-bottom: .35rem; }
          h2 { font-size: 1.2rem; margin: 1.1rem 0 .25rem; }
          h3 { margin: .7rem 0 .1rem; }
          .answer { font-size: 1.15rem; line-height: 1.35; margin: .25rem 0; }
          p, ul, figure, .scroll { margin: .35rem 0; }
          li { margin: .1rem 0; }
          .facts div { padding: .12rem 0; }
          .glossary { columns: 2; column-gap: 1.5rem; }
          .glossary div { display: block; }
          .glossary dt { font-weight: 600; }
          .chart { max-width: 64%; }
          footer { margin-top: 1rem; }
          h2, h3, caption { break-after: avoid; }
          tr, figure, .tiles, .facts div, li { break-inside: avoid; }
          thead { display: table-header-group; }
          .scroll { overflow: visible; }
          table { font-size: 8pt; }
          th, td { padding: .25rem; break-inside: avoid; }
          p, section ul, figure, .facts { max-width: none; }
          tbody th { min-width: 5rem; max-width: 11rem; }
          td.words { min-width: 0; }
          tbody th { position: static; }
          .bar, .tiles div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """
}
