/*
 * Graphite and console, with the percentiles of the dashboards.
 */
{
  graphitePort: 2003
, graphiteHost: "graphite.internal"   // by the load balancer
, port: 8125
, address: "0.0.0.0"
, mgmt_port: 8126
, servers: [
    { server: "./servers/udp", address: "127.0.0.1", port: 8125 },
    { server: './servers/tcp', address: '127.0.0.1', port: 8126, },
    { server: "./servers/udp", address: "::1", port: 8125, address_ipv6: true },
    { server: "statsd-zeromq-server", port: 9999 },
  ]
, backends: [ "./backends/graphite", "./backends/console", "statsd-influxdb-backend" ]
, flushInterval: 15000
, percentThreshold: [ 50, 95, 99.9, -10 ]
, deleteIdleStats: true
, deleteGauges: false
, gaugesMaxTTL: 40
, prefixStats: "statsd"
, keyNameSanitize: false
, dumpMessages: false
, debug: null
, graphite: {
    legacyNamespace: false,
    globalPrefix: "stats",
    prefixCounter: 'counters'
  }
, console: { prettyprint: true }
, histogram: [ { metric: "render", bins: [ 0.01, 0.1, 1, "inf" ] } ]
, log: { backend: "syslog", level: "LOG_INFO" }
, repeater: [ { host: '10.8.3.214', port: 8125 } ]
, influxdb: { host: "influx", password: "swordfish" }
}
