// Package report writes findings and test results in the formats that people, pipelines and other tools read.
package report
