package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestErrorsDoNothingToTheTerminal(t *testing.T) {
	hostile := "x\x1b[2J\n::error ::owned"
	for _, args := range [][]string{{hostile}, {"--config=" + hostile}} {
		assert.Equal(t, "no file x\\x1b[2J\\n::error ::owned\nsecond line", message(errors.New("no file "+hostile+"\nsecond line"), args))
	}
	assert.Equal(t, "a\n\\x3a:error ::\\x1b[2J", message(errors.New("a\n::error ::\x1b[2J"), nil), "from elsewhere")
}
