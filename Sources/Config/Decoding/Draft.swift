/// A configuration whose parts have been read one by one, with the places that the checks across them need.
struct Draft {
    var configuration = Configuration()
    var root = Place.start
    /// Also those whose other keys are at fault, so that one mistake is reported once.
    var listeners: [Located<String>] = []
    var binds: [Located<Endpoint>] = []
    /// Beside `configuration.listeners`.
    var listenerPlaces: [ListenerPlaces] = []
    var services: [Located<String>] = []
    /// What routes name.
    var serviceReferences: [Located<String>] = []
    /// Beside `configuration.routes`.
    var routePlaces: [Place] = []
    var hasListeners = false
    var hasServices = false
    /// A route's action could not be read: who has no route is not known.
    var lacksActions = false
}

/// Where a listener asks for what depends on other parts of the file.
struct ListenerPlaces {
    /// `redirect_to_https: true`, which leaves the port to us.
    var redirect: Place?
    /// `proxy_protocol: true`.
    var proxyProtocol: Place?
}
