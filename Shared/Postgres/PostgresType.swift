/// A type of PostgreSQL by its object id, and the id of the array of it. The built-in ids are part of its protocol and
/// do not change (`pg_type.dat`).
package struct PostgresType: Equatable, Sendable {
    let oid: UInt32
    /// 0 when there is no array of it that we send.
    let arrayOID: UInt32

    static var bool: PostgresType { PostgresType(oid: 16, arrayOID: 1000) }
    static var bytea: PostgresType { PostgresType(oid: 17, arrayOID: 1001) }
    static var int8: PostgresType { PostgresType(oid: 20, arrayOID: 1016) }
    static var int2: PostgresType { PostgresType(oid: 21, arrayOID: 1005) }
    static var int4: PostgresType { PostgresType(oid: 23, arrayOID: 1007) }
    static var text: PostgresType { PostgresType(oid: 25, arrayOID: 1009) }
    static var float8: PostgresType { PostgresType(oid: 701, arrayOID: 1022) }
    static var timestamptz: PostgresType { PostgresType(oid: 1184, arrayOID: 1185) }
    static var uuid: PostgresType { PostgresType(oid: 2950, arrayOID: 2951) }
    static var jsonb: PostgresType { PostgresType(oid: 3802, arrayOID: 3807) }

    var array: PostgresType { PostgresType(oid: arrayOID, arrayOID: 0) }

    /// Whether the binary form of the type is its text: the text types, json, names, and the enum and domain types of a
    /// schema, which have ids above the built-in ones.
    static func isText(_ oid: UInt32) -> Bool {
        switch oid {
        case 19, 25, 114, 705, 1042, 1043: true
        default: oid >= 16384
        }
    }

    /// The name for messages.
    static func name(of oid: UInt32) -> String {
        switch oid {
        case 16: "boolean"
        case 17: "bytea"
        case 20: "bigint"
        case 21: "smallint"
        case 23: "integer"
        case 25: "text"
        case 700: "real"
        case 701: "double precision"
        case 1082: "date"
        case 1114: "timestamp without time zone"
        case 1184: "timestamptz"
        case 1700: "numeric"
        case 2278: "void"
        case 2950: "uuid"
        case 3802: "jsonb"
        default: "type \(oid)"
        }
    }
}
