package extract

import (
	"bytes"
	"path"
	"strings"
)

// archiveMembers are the files of a txtar archive: each follows a line
// "-- NAME --". Their positions are those in the archive.
func archiveMembers(s *Source) []*Source {
	var all []*Source
	var current *Source
	for at := 0; at < len(s.Text); {
		line := s.Text[at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		name, marker := markerLine(string(line))
		if marker {
			if current != nil {
				current.Text = s.Text[current.base:at]
			}
			current = &Source{Name: s.Name, Path: s.Path, member: path.Clean(name), archive: s, base: at + len(line)}
			all = append(all, current)
		}
		at += len(line)
	}
	if current != nil {
		current.Text = s.Text[current.base:]
	}
	return all
}

// markerLine takes NAME out of "-- NAME --".
func markerLine(line string) (string, bool) {
	inner, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
	if !ok {
		return "", false
	}
	name, ok := strings.CutSuffix(inner, " --")
	name = strings.TrimSpace(name)
	return name, ok && name != ""
}
