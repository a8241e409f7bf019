package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
)

func init() {
	caddy.RegisterModule(AdminAPI{})
}

// AdminAPI shows and reloads the policies in force, on Caddy's admin endpoint:
//
//   - `GET /headgate/policy`: what decides at each site: hash, files with the
//     version each was read as, stages with what covers them and what they read,
//     bundles, the last error;
//   - `POST /headgate/policy/reload`: reads everything anew; faults are the
//     answer, and the last good policy stays;
//   - `GET /headgate/allowlist`: the allowlist's document;
//   - `PUT /headgate/allowlist`: another document: it is checked, its Rego is
//     compiled, it is saved and comes into force, all or nothing. Where sites
//     have different ones, `?path=` names the file.
type AdminAPI struct{ ctx caddy.Context }

// CaddyModule returns the Caddy module information.
func (AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.headgate",
		New: func() caddy.Module { return new(AdminAPI) },
	}
}

// Provision keeps the configuration's context.
func (a *AdminAPI) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	return nil
}

// engines are those in force. The app is looked up late: without a global
// option it is made by the first site, after the admin endpoint.
func (a *AdminAPI) engines() []*engine {
	v, err := a.ctx.AppIfConfigured(appName)
	if err != nil {
		return nil
	}
	return v.(*App).engines.list()
}

// Routes are those of the admin endpoint.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	route := func(pattern string, methods map[string]caddy.AdminHandlerFunc) caddy.AdminRoute {
		return caddy.AdminRoute{Pattern: pattern, Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			handle, ok := methods[r.Method]
			switch {
			case !ok:
				return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed: %s", r.Method)}
			case len(a.engines()) == 0:
				return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("headgate is not configured")}
			}
			return handle(w, r)
		})}
	}
	return []caddy.AdminRoute{
		route("/headgate/policy", map[string]caddy.AdminHandlerFunc{http.MethodGet: a.show}),
		route("/headgate/policy/reload", map[string]caddy.AdminHandlerFunc{http.MethodPost: a.reload}),
		route("/headgate/allowlist", map[string]caddy.AdminHandlerFunc{http.MethodGet: a.list, http.MethodPut: a.replace}),
	}
}

// policyStatus is the JSON form of what decides at one site.
type policyStatus struct {
	SHA256    string           `json:"sha256"`
	LoadedAt  time.Time        `json:"loaded_at"`
	Reloads   uint64           `json:"reloads"`
	Failures  uint64           `json:"failures"`
	LastError string           `json:"last_error,omitempty"`
	Files     []fileStatus     `json:"files"`
	Stages    []stageStatus    `json:"stages"`
	Bundles   []bundleStatus   `json:"bundles,omitempty"`
	Warnings  []string         `json:"warnings,omitempty"`
	Allowlist *allowlistStatus `json:"allowlist,omitempty"`
}

type fileStatus struct {
	Path   string `json:"path"`
	Rego   string `json:"rego"` // "v0" or "v1"
	SHA256 string `json:"sha256"`
}

type stageStatus struct {
	Stage      policy.Stage `json:"stage"`
	Covered    bool         `json:"covered"`
	Surfaces   []string     `json:"surfaces"`
	Needs      string       `json:"needs"`
	Remembered bool         `json:"remembered"`
}

type bundleStatus struct {
	Name      string     `json:"name"`
	Revision  string     `json:"revision"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	LastError string     `json:"last_error,omitempty"`
}

type allowlistStatus struct {
	Path      string    `json:"path"`
	SHA256    string    `json:"sha256"`
	LoadedAt  time.Time `json:"loaded_at"`
	Reloads   uint64    `json:"reloads"`
	Failures  uint64    `json:"failures"`
	LastError string    `json:"last_error,omitempty"`
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// status tells how one engine stands.
func (e *engine) status() policyStatus {
	st, p := e.source.Status(), e.source.Policy()
	out := policyStatus{
		SHA256: st.SHA256, LoadedAt: st.LoadedAt, Reloads: st.Reloads, Failures: st.Failures,
		LastError: text(st.LastError), Files: []fileStatus{},
	}
	for _, f := range p.Files() {
		out.Files = append(out.Files, fileStatus{Path: f.Path, Rego: f.Version, SHA256: f.SHA256})
	}
	for _, row := range p.Table() {
		s := stageStatus{
			Stage: row.Stage, Covered: row.Covered, Surfaces: []string{},
			Needs: p.Needs(row.Stage).String(), Remembered: p.Remembers(row.Stage),
		}
		for _, sf := range row.Surfaces {
			s.Surfaces = append(s.Surfaces, sf.Path)
		}
		out.Stages = append(out.Stages, s)
	}
	for _, b := range st.Bundles {
		one := bundleStatus{Name: b.Name, Revision: b.Revision, LastError: text(b.Err)}
		if !b.Checked.IsZero() {
			one.CheckedAt = &b.Checked
		}
		out.Bundles = append(out.Bundles, one)
	}
	for _, w := range p.Warnings() {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%s:%d:%d: %s", w.File, w.Line, w.Col, w.Message))
	}
	if e.list != nil {
		ls := e.list.Status()
		out.Allowlist = &allowlistStatus{
			Path: e.listPath, SHA256: ls.SHA256, LoadedAt: ls.LoadedAt, Reloads: ls.Reloads, Failures: ls.Failures, LastError: text(ls.LastError),
		}
	}
	return out
}

func (a *AdminAPI) show(w http.ResponseWriter, _ *http.Request) error {
	all := []policyStatus{}
	for _, e := range a.engines() {
		all = append(all, e.status())
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"policies": all})
}

func (a *AdminAPI) reload(w http.ResponseWriter, r *http.Request) error {
	var errs []error
	for _, e := range a.engines() {
		errs = append(errs, e.reload(r.Context()))
	}
	if err := errors.Join(errs...); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusUnprocessableEntity, Err: err}
	}
	return a.show(w, r)
}

// lists are the allowlists of one document, the one that the request means.
func (a *AdminAPI) lists(r *http.Request) ([]*allowlist.Engine, error) {
	want := r.URL.Query().Get("path")
	var paths []string
	var lists []*allowlist.Engine
	for _, e := range a.engines() {
		if e.list == nil || want != "" && e.listPath != want {
			continue
		}
		if !slices.Contains(paths, e.listPath) {
			paths = append(paths, e.listPath)
		}
		lists = append(lists, e.list)
	}
	switch len(paths) {
	case 0:
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("no such allowlist is configured")}
	case 1:
		return lists, nil
	}
	return nil, caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("several allowlists are configured; name one with ?path=, out of %q", paths)}
}

func (a *AdminAPI) list(w http.ResponseWriter, r *http.Request) error {
	lists, err := a.lists(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(lists[0].Bytes())
	return err
}

func (a *AdminAPI) replace(w http.ResponseWriter, r *http.Request) error {
	lists, err := a.lists(r)
	if err != nil {
		return err
	}
	src, err := io.ReadAll(http.MaxBytesReader(w, r.Body, allowlist.MaxSize))
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusRequestEntityTooLarge, Err: fmt.Errorf("the document is over %d bytes", allowlist.MaxSize)}
	}
	if err := lists[0].Replace(r.Context(), src); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusUnprocessableEntity, Err: err}
	}
	for _, l := range lists[1:] { // other sites with the same file
		if _, err := l.Reload(); err != nil {
			return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner = (*AdminAPI)(nil)
	_ caddy.AdminRouter = (*AdminAPI)(nil)
)
