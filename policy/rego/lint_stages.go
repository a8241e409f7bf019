package rego

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// stages looks at every body with the stages at which it is evaluated: for
// stages that do not exist, for sets that no such stage asks for, and for
// names that the input of no such stage has.
func (l *linter) stages() {
	for _, r := range l.rules {
		s, asked := l.surfaceOf(r)
		for branch := r; branch != nil; branch = branch.Else {
			if l.unknownStage(branch.Body) {
				continue
			}
			all := policy.Stages()
			if asked {
				all = s.stages
			}
			admitted, guards := admittedBy(branch.Body, all)
			switch {
			case len(admitted) > 0 && (guards || asked):
				l.absent(branch.Body, admitted)
			case guards && asked:
				l.unused(branch, s)
			}
		}
	}
}

// surfaceOf is the surface that a rule makes, or makes a part of, or is on the
// way to.
func (l *linter) surfaceOf(r *ast.Rule) (surface, bool) {
	ref := r.Ref().GroundPrefix()
	for _, s := range l.surfaces {
		if ref.HasPrefix(s.ref) || s.ref.HasPrefix(ref) {
			return s, true
		}
	}
	return surface{}, false
}

// unknownStage warns of a guard for a stage that does not exist.
func (l *linter) unknownStage(b ast.Body) bool {
	found := false
	aliases := stageAliases(b)
	for _, e := range b {
		g, ok := asGuard(e, aliases)
		if !ok {
			continue
		}
		for _, word := range g.stages {
			if slices.Contains(policy.Stages(), policy.Stage(word)) {
				continue
			}
			found = true
			l.warn(CodeUnknownInput, e.Location, fmt.Sprintf("input.stage is never %q; the stages are %s", word, stageList(policy.Stages())))
		}
	}
	return found
}

// unused warns of a body that holds only where its surface is not asked for.
func (l *linter) unused(r *ast.Rule, s surface) {
	own, _ := admittedBy(r.Body, policy.Stages())
	if len(own) == 0 {
		return // it holds nowhere: a contradiction, or a partial view of one
	}
	l.warn(CodeUnusedStageSet, r.Location, fmt.Sprintf("%s is only looked at at %s; this rule holds only at %s, where nothing asks for it",
		s.Path, stageList(s.stages), stageList(own)))
}

// absent warns of names in a body that the input of none of the stages has,
// though that of another stage has them.
func (l *linter) absent(b ast.Body, stages []policy.Stage) {
	s := newScope(l.c, "")
	s.iterate = true
	said := map[string]bool{}
	for _, e := range b {
		s.bind(e)
		if len(e.With) > 0 {
			continue
		}
		effect := "never true"
		body := ast.Body{e}
		if inner, ok := negated(e); ok {
			effect, body = "always true", inner
		}
		sub := s.child()
		for _, x := range body {
			sub.bind(x)
			for _, path := range l.exprPaths(sub, x, maxHelpers+1) {
				name := l.shown(path)
				if said[name] || !elsewhere(path, stages) {
					continue
				}
				said[name] = true
				l.warn(CodeUnknownInput, x.Location, fmt.Sprintf("%s at %s: there is no %s", effect, stageList(stages), name))
			}
		}
	}
}

// elsewhere reports whether none of the stages has the path, and another one
// may.
func elsewhere(path ast.Ref, stages []policy.Stage) bool {
	other := false
	for _, stage := range policy.Stages() {
		at, _ := find(stage, path)
		if at == never {
			continue
		}
		if slices.Contains(stages, stage) {
			return false
		}
		other = true
	}
	return other
}

// sessionNames are names that only the input of the session stage has.
var sessionNames = []string{
	"initiator_agent_id", "target_agent_id", "initiator_org_id", "target_org_id", "session_context", "capabilities",
}

// uncovered warns of each stage that nothing decides; of session only where
// the policy is about sessions at all, and of the others not where it is about
// nothing else: such a policy stands behind the decision endpoints alone.
func (l *linter) uncovered() {
	covers := func(session bool) bool {
		return slices.ContainsFunc(l.policy.rows, func(r Row) bool {
			return r.Covered && (r.Stage == policy.Session) == session
		})
	}
	if covers(true) && !covers(false) {
		return
	}
	for _, row := range l.policy.rows {
		if row.Covered || l.policy.settings.defaultAllow[row.Stage] {
			continue
		}
		text := fmt.Sprintf("nothing covers %s: ", row.Stage)
		switch {
		case row.Stage.Post():
			text += "it passes undecided but for restrictions; write `default allow := true` in the policy to say so"
		case row.Stage == policy.Session && !l.aboutSessions():
			continue
		case row.Stage == policy.Session:
			text += fmt.Sprintf("it is denied as %s; write `session` in package cullis.policy, or `default_decision allow session`", policy.ReasonUncovered)
		default:
			text += fmt.Sprintf("it is denied as %s; write `default allow := true` in the policy, or `default_decision allow %s`", policy.ReasonUncovered, row.Stage)
		}
		l.warn(CodeUncovered, nil, text)
	}
}

// aboutSessions reports whether a file is in the Cullis package or reads what
// only the session stage has.
func (l *linter) aboutSessions() bool {
	cullis := ast.MustParseRef("data.cullis.policy")
	found := false
	for _, m := range l.c.Modules {
		found = found || m.Package.Path.HasPrefix(cullis)
		ast.WalkRefs(m, func(ref ast.Ref) bool {
			name, ok := constant(ref, 1)
			found = found || ok && isInput(ref) && slices.Contains(sessionNames, name)
			return found
		})
	}
	return found
}
