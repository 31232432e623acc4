// Makes the calls of a workload with github.com/DataDog/datadog-go.
//
// Run by clients_test.py; the document on standard input is described in workload.py.
// Options:
//
//	aggregation   "" (the client's default: counts, gauges and sets), "off", "extended"
//	samples_max   of the values of a timer in one aggregation, only so many are sent
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/DataDog/datadog-go/v5/statsd"
)

// Longer than the agent is ever away from its sockets; the client would give up after 100 ms.
const writeTimeout = 20 * time.Second

type call struct {
	Do    string          `json:"do"`
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
	Tags  []string        `json:"tags"`
	Rate  float64         `json:"rate"`
}

type job struct {
	Transport string          `json:"transport"`
	Address   json.RawMessage `json:"address"`
	Options   struct {
		Aggregation string `json:"aggregation"`
		SamplesMax  int    `json:"samples_max"`
	} `json:"options"`
	Timestamp int64  `json:"timestamp"`
	Calls     []call `json:"calls"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (c call) number() (number float64) {
	must(json.Unmarshal(c.Value, &number))
	return number
}

func (c call) text() (text string) {
	must(json.Unmarshal(c.Value, &text))
	return text
}

func (j job) target() string {
	if j.Transport == "udp" {
		var host string
		var port int
		must(json.Unmarshal(j.Address, &[]interface{}{&host, &port}))
		return fmt.Sprintf("%s:%d", host, port)
	}
	var path string
	must(json.Unmarshal(j.Address, &path))
	prefixes := map[string]string{
		"unix":        statsd.UnixAddressDatagramPrefix,
		"unix-stream": statsd.UnixAddressStreamPrefix,
	}
	return prefixes[j.Transport] + path
}

func (j job) options() []statsd.Option {
	options := []statsd.Option{
		statsd.WithWriteTimeout(writeTimeout),
		statsd.WithErrorHandler(func(err error) { log.Fatal(err) }),
	}
	switch j.Options.Aggregation {
	case "off":
		options = append(options, statsd.WithoutClientSideAggregation())
	case "extended":
		options = append(options, statsd.WithExtendedClientSideAggregation())
	}
	if j.Options.SamplesMax > 0 {
		options = append(options, statsd.WithMaxSamplesPerContext(j.Options.SamplesMax))
	}
	return options
}

func perform(client *statsd.Client, c call, at time.Time) error {
	switch c.Do {
	case "count":
		return client.Count(c.Name, int64(c.number()), c.Tags, c.Rate)
	case "count_at":
		return client.CountWithTimestamp(c.Name, int64(c.number()), c.Tags, c.Rate, at)
	case "gauge":
		return client.Gauge(c.Name, c.number(), c.Tags, c.Rate)
	case "timing":
		duration := time.Duration(c.number() * float64(time.Millisecond))
		return client.Timing(c.Name, duration, c.Tags, c.Rate)
	case "histogram":
		return client.Histogram(c.Name, c.number(), c.Tags, c.Rate)
	case "distribution":
		return client.Distribution(c.Name, c.number(), c.Tags, c.Rate)
	case "set":
		return client.Set(c.Name, c.text(), c.Tags, c.Rate)
	case "event":
		event := statsd.NewEvent(c.Name, c.text())
		event.AlertType = statsd.Warning
		event.Tags = c.Tags
		return client.Event(event)
	case "service_check":
		check := statsd.NewServiceCheck(c.Name, statsd.ServiceCheckStatus(c.number()))
		check.Message = "as expected"
		check.Tags = c.Tags
		return client.ServiceCheck(check)
	}
	return fmt.Errorf("no call is named %q", c.Do)
}

func main() {
	var j job
	must(json.NewDecoder(os.Stdin).Decode(&j))
	client, err := statsd.New(j.target(), j.options()...)
	must(err)
	for _, c := range j.Calls {
		must(perform(client, c, time.Unix(j.Timestamp, 0)))
	}
	must(client.Close())
}
