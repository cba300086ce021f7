// Package differential compares the engine with the oracle on generated questions; all of it is tests.
package differential
