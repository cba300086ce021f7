package world

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a world, and where. Its text never
// holds a secret.
type Problem struct {
	File    string // relative to the world, with slashes; empty: the world as a whole
	Line    int    // from 1; 0: the file as a whole
	Column  int    // from 1, in characters
	Field   string // accounts.111122223333.users.bob, or the JSON path in a policy: $.Statement[0].Effect
	Message string
}

// Error is "file:line:column: field: message".
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Message
}

// Problems are all that is wrong with a world, by file and position, those of world.yaml
// before those of other files.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// In is the same with the path of the world, as somebody typed it, before each
// file: a directory's files are in it, a txtar file's behind a colon.
func (ps Problems) In(root string) Problems {
	all := slices.Clone(ps)
	for i := range all {
		switch {
		case all[i].File == "":
		case path.Ext(root) == ".txtar":
			all[i].File = root + ": " + all[i].File
		default:
			all[i].File = strings.TrimRight(root, "/") + "/" + all[i].File
		}
	}
	return all
}

// rank puts the world as a whole first, then its main file.
func (p Problem) rank() int {
	switch p.File {
	case "":
		return 0
	case "world.yaml", "world.yml", "world.json":
		return 1
	}
	return 2
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(ps)
}
