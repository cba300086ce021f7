package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// health is the answer of /healthz and /readyz.
type health struct {
	Status   string            `json:"status"`
	Enforced map[string]string `json:"enforced,omitempty"`
}

// healthy says that the process answers, and what it enforces.
func (s *Server) healthy(c echo.Context) error {
	h := health{Status: "ok"}
	if s.config.Enforced != nil {
		h.Enforced = s.config.Enforced()
	}
	return s.tell(c, http.StatusOK, h)
}

// ready says whether requests should be sent here. Why not is for the log: the
// path needs no credentials.
func (s *Server) ready(c echo.Context) error {
	if s.draining.Load() {
		return s.tell(c, http.StatusServiceUnavailable, health{Status: "shutting down"})
	}
	if s.config.Ready == nil {
		return s.tell(c, http.StatusOK, health{Status: "ready"})
	}
	if err := s.config.Ready(); err != nil {
		s.config.Log.Warn("not ready", "cause", err)
		return s.tell(c, http.StatusServiceUnavailable, health{Status: "not ready"})
	}
	return s.tell(c, http.StatusOK, health{Status: "ready"})
}

func (s *Server) tell(c echo.Context, status int, h health) error {
	c.Response().Header()[wire.RequestIDHeader] = []string{s.config.NewID()}
	return c.JSON(status, h)
}
