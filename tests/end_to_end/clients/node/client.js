// Makes the calls of a workload with the package hot-shots.
//
// Run by clients_test.py; the document on standard input is described in workload.py.
// Options are those of hot-shots. The client sends datagrams to Unix sockets with the
// module unix-dgram, and to Unix streams through a stream that is opened here, as its
// documentation shows.
'use strict';

const fs = require('fs');
const net = require('net');
const { StatsD } = require('hot-shots');

const PROTOCOLS = { udp: 'udp', tcp: 'tcp', unix: 'uds', 'unix-stream': 'stream' };

function fail(error) {
  console.error(error);
  process.exit(1);
}

function transport(job) {
  const protocol = PROTOCOLS[job.transport];
  if (job.transport === 'unix') {
    // The client drops what a full queue has no room for, unless it may try again.
    return { protocol, path: job.address, udsRetryOptions: { retries: 50, retryDelayMs: 10 } };
  }
  if (job.transport === 'unix-stream') {
    return { protocol, stream: net.createConnection(job.address) };
  }
  return { protocol, host: job.address[0], port: job.address[1] };
}

function make(client, call) {
  const { do: what, name, value, tags, rate } = call;
  const sampleRate = rate === 1 ? undefined : rate;
  switch (what) {
    case 'count':
      if (value < 0) client.decrement(name, -value, sampleRate, tags);
      else client.increment(name, value, sampleRate, tags);
      break;
    case 'count_at': client.increment(name, value, { tags, timestamp: job.timestamp }); break;
    case 'gauge_delta': client.gaugeDelta(name, value, undefined, tags); break;
    case 'event': client.event(name, value, { alert_type: 'warning' }, tags); break;
    case 'service_check': client.check(name, value, { message: 'as expected' }, tags); break;
    default: client[what](name, value, undefined, tags);
  }
}

const job = JSON.parse(fs.readFileSync(0, 'utf8'));
let drawn = 0;
Math.random = () => job.chances[drawn++ % job.chances.length];

const client = new StatsD({ ...transport(job), ...job.options, errorHandler: fail });
// The client keeps no process alive; a service is alive by itself.
const alive = setInterval(() => {}, 1000);
for (const call of job.calls) make(client, call);
client.close((error) => {
  if (error) fail(error);
  clearInterval(alive);
});
