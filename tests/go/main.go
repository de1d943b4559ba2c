// Command go answers what Go's own encoding/json and time packages make of a keepalive
// signal, so that the Python codec can be held against them.
//
// Each line on stdin is a request, a JSON object; each gives one line on stdout, in the
// same order. An instant is whole seconds since the epoch and nanoseconds to add.
//
//	{"op":"version"}                                    {"version":"go1.26.6"}
//	{"op":"encode","command":B64,"at":INSTANT}          {"file":B64,"read_back":B64} or null
//	{"op":"decode","file":B64}                          {"command":B64,"at":INSTANT,"rfc3339":"..."} or null
//	{"op":"age","at":INSTANT,"now":INSTANT}             nanoseconds
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"os"
	"runtime"
	"time"
)

// State is the content of a signal.
type State struct {
	LastCommand string    `json:"last_command"`
	Timestamp   time.Time `json:"timestamp"`
}

type instant struct {
	Seconds int64 `json:"s"`
	Nanos   int64 `json:"ns"`
}

func (i instant) time() time.Time {
	return time.Unix(i.Seconds, i.Nanos).UTC()
}

type request struct {
	Op      string  `json:"op"`
	Command []byte  `json:"command"`
	File    []byte  `json:"file"`
	At      instant `json:"at"`
	Now     instant `json:"now"`
}

type version struct {
	Version string `json:"version"`
}

type encoded struct {
	File     []byte `json:"file"`
	ReadBack []byte `json:"read_back"`
}

type decoded struct {
	Command []byte  `json:"command"`
	At      instant `json:"at"`
	RFC3339 string  `json:"rfc3339"`
}

func main() {
	requests := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	for {
		var one request
		if err := requests.Decode(&one); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(answer(one)); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func answer(one request) any {
	switch one.Op {
	case "version":
		return version{runtime.Version()}
	case "encode":
		return encode(string(one.Command), one.At.time())
	case "decode":
		return decode(one.File)
	case "age":
		return int64(one.Now.time().Sub(one.At.time()))
	}
	log.Fatalf("no such request: %q", one.Op)
	return nil
}

func encode(command string, at time.Time) any {
	file, err := json.Marshal(State{command, at})
	if err != nil {
		return nil
	}
	var back State
	if err := json.Unmarshal(file, &back); err != nil {
		log.Fatal(err)
	}
	return encoded{file, []byte(back.LastCommand)}
}

func decode(file []byte) any {
	var state State
	if err := json.Unmarshal(file, &state); err != nil {
		return nil
	}
	at := state.Timestamp.UTC()
	return decoded{
		[]byte(state.LastCommand),
		instant{at.Unix(), int64(at.Nanosecond())},
		at.Format(time.RFC3339Nano),
	}
}
