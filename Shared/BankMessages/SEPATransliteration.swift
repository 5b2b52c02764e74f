/// What stands for a character outside the SEPA set: the one table of it.
///
/// Letters become their base letter as in the conversion table of the European Payments Council (EPC217-08), so `ü`
/// becomes `u`; ligatures become what they join, `ß` becomes `ss`. Punctuation becomes what reads alike. Where that
/// table has a full stop, because nothing reads alike (`!`, `*`, `=`, `@` …), and for other scripts there is nothing
/// here: such a text is refused, not bent.
///
/// Keys are characters, which Swift compares by canonical equivalence: `é` is found whether it is one scalar or two.
enum SEPATransliteration {
    /// One letter each in the second column.
    private static let letters: [(String, String)] = [
        ("A", "ÀÁÂÃÄÅĀĂĄǍȀȂẠẢẤẦẨẪẬ"), ("a", "àáâãäåāăąǎȁȃạảấầẩẫậª"),
        ("B", "Ḃ"), ("b", "ḃ"),
        ("C", "ÇĆĈĊČ"), ("c", "çćĉċč"),
        ("D", "ĎĐÐḊ"), ("d", "ďđðḋ"),
        ("E", "ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ"), ("e", "èéêëēĕėęěẹẻẽếềểễệ"),
        ("F", "Ḟ"), ("f", "ḟ"),
        ("G", "ĜĞĠĢǦǴ"), ("g", "ĝğġģǧǵ"),
        ("H", "ĤĦ"), ("h", "ĥħ"),
        ("I", "ÌÍÎÏĨĪĬĮİỈỊ"), ("i", "ìíîïĩīĭįıỉị"),
        ("J", "Ĵ"), ("j", "ĵ"),
        ("K", "ĶǨ"), ("k", "ķǩĸ"),
        ("L", "ĹĻĽĿŁ"), ("l", "ĺļľŀł"),
        ("M", "Ṁ"), ("m", "ṁ"),
        ("N", "ÑŃŅŇŊ"), ("n", "ñńņňŋ"),
        ("O", "ÒÓÔÕÖØŌŎŐƠỌỎỐỒỔỖỘỚỜỞỠỢ"), ("o", "òóôõöøōŏőơọỏốồổỗộớờởỡợº°"),
        ("P", "Ṗ"), ("p", "ṗ"),
        ("R", "ŔŖŘ"), ("r", "ŕŗř"),
        ("S", "ŚŜŞŠȘṠ"), ("s", "śŝşšșṡſ"),
        ("T", "ŢŤŦȚṪ"), ("t", "ţťŧțṫ"),
        ("U", "ÙÚÛÜŨŪŬŮŰŲƯỤỦỨỪỬỮỰ"), ("u", "ùúûüũūŭůűųưụủứừửữự"),
        ("W", "ŴẀẂẄ"), ("w", "ŵẁẃẅ"),
        ("Y", "ÝŶŸỲỴỶỸ"), ("y", "ýÿŷỳỵỷỹ"),
        ("Z", "ŹŻŽ"), ("z", "źżž"),
    ]

    /// What becomes several letters.
    private static let joined: [(String, String)] = [
        ("AE", "ÆǼ"), ("ae", "æǽ"), ("OE", "Œ"), ("oe", "œ"), ("SS", "ẞ"), ("ss", "ß"), ("TH", "Þ"), ("th", "þ"),
        ("IJ", "Ĳ"), ("ij", "ĳ"), ("fi", "ﬁ"), ("fl", "ﬂ"), ("No", "№"), ("EUR", "€"), ("...", "…"),
    ]

    /// The blanks are a no-break space, a narrow one (French sets it before `:` and `?`), a thin one and a figure's.
    private static let punctuation: [(String, String)] = [
        (" ", "\u{00A0}\u{202F}\u{2009}\u{2007}"), ("'", "’‘‚‛ʼ′`´\"“”„‟«»‹›"), ("-", "‐‑‒–—―−_~"), ("+", "&"),
        (",", ";"), ("(", "[{"), (")", "]}"), ("/", "\\|⁄"), (".", "·•"),
    ]

    static let table: [Character: String] = {
        var table: [Character: String] = [:]
        for (target, sources) in letters + joined + punctuation {
            for source in sources { table[source] = target }
        }
        return table
    }()
}
