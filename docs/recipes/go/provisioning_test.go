// One mockscim server for this test binary, a directory of its own for each test. Go 1.21, standard library only.
package provisioning

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

type object = map[string]any

func TestALostAnswerMakesNoSecondUser(t *testing.T) {
	t.Parallel()
	scim := newScim(t, object{"profile": "standard", "seed": 7})
	scim.ask("POST", "/faults", object{"type": "lost_ack", "match": object{"operation": "user.create"}, "times": 1}, nil)
	if err := provision(scim.baseURL, scim.token, "eve@example.com"); err != nil {
		t.Fatal(err)
	}
	scim.verify(object{"operation": "user.create", "committed": true, "count": 1})
	scim.check()
}

// provision is the client that is tested; yours takes its place. It looks before it creates, and looks again when in
// doubt: a creation without an answer may have been carried out all the same.
func provision(baseURL, token, userName string) error {
	filter := url.Values{"filter": {fmt.Sprintf("userName eq %q", userName)}}
	user, _ := json.Marshal(object{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": userName})
	for attempt := 0; attempt < 3; attempt++ {
		var found struct{ TotalResults int }
		err := send("GET", baseURL+"/Users?"+filter.Encode(), token, nil, &found)
		if err == nil && found.TotalResults == 0 {
			err = send("POST", baseURL+"/Users", token, user, nil)
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s could not be provisioned", userName)
}

// scim is a tenant that lives as long as its test.
type scim struct {
	t                       *testing.T
	baseURL, token, control string
}

// newScim makes a tenant; options are profile, fixture, seed, strict, clock, ….
func newScim(t *testing.T, options object) *scim {
	t.Helper()
	root, err := root()
	if err != nil {
		t.Fatal(err)
	}
	name := make([]byte, 16)
	_, _ = rand.Read(name)
	s := &scim{t: t, control: fmt.Sprintf("%s/t/test-%x/_mockscim", root, name)}
	var made struct {
		BaseURL string `json:"base_url"`
		Token   string
	}
	s.ask("PUT", "", options, &made)
	t.Cleanup(func() { s.ask("DELETE", "", nil, nil) })
	s.ask("POST", "/tokens", object{}, &made)
	s.baseURL, s.token = made.BaseURL, made.Token
	return s
}

// verify fails the test unless the client did what is expected.
func (s *scim) verify(expected object) {
	s.t.Helper()
	var verdict struct {
		OK          bool
		Explanation string
	}
	s.ask("POST", "/verify", expected, &verdict)
	if !verdict.OK {
		s.t.Error(verdict.Explanation)
	}
}

// check fails the test if an invariant is broken.
func (s *scim) check() {
	s.t.Helper()
	var judgement struct {
		Items     []struct{ ID, Name, Verdict, Why string }
		Reproduce string
	}
	s.ask("GET", "/invariants", nil, &judgement)
	for _, item := range judgement.Items {
		if item.Verdict == "broken" {
			s.t.Errorf("%s %s: %s\nreproduce: %s", item.ID, item.Name, item.Why, judgement.Reproduce)
		}
	}
}

func (s *scim) ask(method, path string, body object, answer any) {
	s.t.Helper()
	var content []byte
	if body != nil {
		content, _ = json.Marshal(body)
	}
	if err := send(method, s.control+path, os.Getenv("MOCKSCIM_ADMIN_TOKEN"), content, answer); err != nil {
		s.t.Fatal(err)
	}
}

// send makes one request; an answer that is no success is an error.
func send(method, url, token string, body []byte, answer any) error {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/scim+json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, url, response.StatusCode, content)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(content, answer)
	}
	return err
}

var server *exec.Cmd // kept: were it collected, the server's standard input would be closed

// root is the server's: the one at MOCKSCIM_URL, or one that is started when the first test asks, and ends with
// this process, however that ends: its standard input is closed then.
var root = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("MOCKSCIM_URL"); given != "" {
		return regexp.MustCompile(`/*(scim/v2|_mockscim)?/*$`).ReplaceAllString(given, ""), nil
	}
	server = exec.Command("mockscim", "serve", "--port", "0", "--exit-with-stdin")
	server.Stderr = os.Stderr
	if _, err := server.StdinPipe(); err != nil {
		return "", err
	}
	output, err := server.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := server.Start(); err != nil {
		return "", err
	}
	var ready struct {
		BaseURL string `json:"base_url"`
	}
	if err := json.NewDecoder(output).Decode(&ready); err != nil {
		return "", fmt.Errorf("mockscim did not start: %w", err)
	}
	return strings.TrimSuffix(ready.BaseURL, "/scim/v2"), nil
})
