package rego

import (
	"fmt"

	"github.com/headgate/headgate/policy"
)

// report logs the table of stages and surfaces, and the warnings.
func (s *Source) report(l *loaded) {
	p, files := l.policy, l.content.Files
	s.log.Info("policy loaded", "sha256", policy.Short(p.sum), "files", len(files), "data", len(l.content.Documents))
	for i, f := range p.files {
		s.log.Debug("policy file", "path", files[i].Name, "rego", f.Version)
	}
	for i, b := range l.status {
		s.log.Info("policy bundle", "name", b.Name, "revision", b.Revision, "verified", s.config.Bundles.Verify != nil)
		if !l.bundles[i].Ordered() {
			s.log.Warn("policy bundle: its revision has no order, an older bundle cannot be told; use a number, a date or a version", "name", b.Name)
		}
	}
	for _, row := range p.rows {
		paths := make([]string, 0, len(row.Surfaces))
		for _, sf := range row.Surfaces {
			paths = append(paths, sf.Path)
		}
		if row.Covered {
			s.log.Info("policy stage", "stage", row.Stage, "surfaces", paths,
				"needs", p.Needs(row.Stage).String(), "remembered", p.Remembers(row.Stage))
			continue
		}
		s.log.Warn("policy stage is not covered", "stage", row.Stage, "surfaces", paths,
			"default", s.fallback(row.Stage))
	}
	for _, w := range p.warnings {
		// A shared policy may have been opened under other paths.
		s.log.Warn("policy warning", "at", fmt.Sprintf("%s:%d:%d", files[w.file].Name, w.Line, w.Col), "warning", w.Message)
	}
	for _, n := range l.content.Notes {
		s.log.Warn("policy warning", "warning", n)
	}
}

// fallback says what happens at a stage that nothing covers.
func (s *Source) fallback(st policy.Stage) string {
	switch {
	case st.Post():
		return "pass"
	case s.settings.defaultAllow[st]:
		return "allow"
	}
	return "deny"
}
