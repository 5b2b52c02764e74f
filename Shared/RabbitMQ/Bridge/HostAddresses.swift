import Glibc

/// Turns a host's name into numeric addresses, IPv6 and IPv4 in the system's order of preference.
enum HostAddresses {
    private static let countMax = 8

    /// Blocks as long as the system's resolver does, which has no deadline of its own.
    static func resolve(_ endpoint: RabbitMQConfiguration.Endpoint) throws(RabbitMQError) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        guard status == 0, let list else {
            throw RabbitMQError(.connectionRefused, "\(endpoint.host): \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        return numeric(list)
    }

    private static func numeric(_ list: UnsafeMutablePointer<addrinfo>) -> [String] {
        var addresses: [String] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next, addresses.count < countMax {
            let address = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
                let status = getnameinfo(
                    entry.pointee.ai_addr, entry.pointee.ai_addrlen, text.baseAddress, socklen_t(text.count), nil, 0,
                    NI_NUMERICHOST)
                return status == 0 ? text.baseAddress.map { String(cString: $0) } : nil
            }
            if let address { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
