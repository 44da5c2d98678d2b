/// A piece of the file, with its place. Untyped on purpose: what a scalar means is decided by the field that wants it.
struct Node {
    enum Content {
        case scalar(Scalar)
        case sequence([Node])
        /// In file order, keys unique.
        case mapping([Entry])
        /// An error has been reported here; readers pass over it in silence.
        case refused
    }

    struct Scalar {
        var text: String
        /// Written without quotes and not the result of an expansion. Only such a scalar can be null.
        var isPlain: Bool

        var isNull: Bool { isPlain && (text.isEmpty || text == "null" || text == "~") }
    }

    struct Entry {
        var key: String
        var keyPlace: Place
        var value: Node
    }

    var content: Content
    var place: Place
}
