package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/policytests/report"
)

func TestColoursAreForTerminalsAndThoseWhoAskForThem(t *testing.T) {
	for name, row := range map[string]struct {
		env  map[string]string
		want report.Style
	}{
		"a pipe gets plain text":                  {nil, report.Style{}},
		"who asks gets colours in a pipe":         {map[string]string{"CLICOLOR_FORCE": "1"}, report.Style{Colour: true}},
		"zero asks for nothing":                   {map[string]string{"CLICOLOR_FORCE": "0"}, report.Style{}},
		"NO_COLOR wins":                           {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, report.Style{}},
		"a dumb terminal gets no escape sequence": {map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, report.Style{}},
		"COLUMNS is the width":                    {map[string]string{"COLUMNS": "72"}, report.Style{Width: 72}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, unset := range []string{"NO_COLOR", "TERM", "CLICOLOR_FORCE", "COLUMNS"} {
				t.Setenv(unset, "")
			}
			for k, v := range row.env {
				t.Setenv(k, v)
			}
			assert.Equal(t, row.want, styleOf(new(bytes.Buffer)))
		})
	}
}

func TestProgressIsToldAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(&b, "linting", true, silence)
		time.Sleep(silence - time.Millisecond) // of the bubble's clock
		synctest.Wait()
		assert.Empty(t, b.String())
		p.tell("linting: %d of 2", 1)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, "\r\x1b[Klinting: 1 of 2 …", b.String())
		p.stop()
		assert.True(t, strings.HasSuffix(b.String(), "\r\x1b[K"), "the line is taken away")
	})
}

func TestQuickWorkAndPipesHearNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		newProgress(&b, "linting", true, silence).stop()
		p := newProgress(&b, "linting", false, silence)
		time.Sleep(time.Hour) // of the bubble's clock
		p.stop()
		assert.Empty(t, b.String())
	})
}
