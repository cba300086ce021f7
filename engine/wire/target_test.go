package wire

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func request(contentType string, targets ...string) Request {
	h := http.Header{"Content-Type": {contentType}}
	for _, t := range targets {
		h.Add("X-Amz-Target", t)
	}
	return Request{Method: "POST", Path: "/", Header: h}
}

func TestTargetNamesTheOperation(t *testing.T) {
	for _, op := range Operations() {
		got, err := Target(request(ContentType, "TrentService."+op.Name))
		require.Nil(t, err)
		require.Equal(t, op.Name, got)
	}
	got, err := Target(request("Application/X-AMZ-JSON-1.1; charset=utf-8", "TrentService.ListKeys"))
	require.Nil(t, err)
	require.Equal(t, "ListKeys", got)
}

func TestUnknownTargetIsRefused(t *testing.T) {
	rows := map[string]Request{
		"no target":             request(ContentType),
		"two targets":           request(ContentType, "TrentService.ListKeys", "TrentService.ListKeys"),
		"an unknown operation":  request(ContentType, "TrentService.Nothing"),
		"no prefix":             request(ContentType, "ListKeys"),
		"another service":       request(ContentType, "DynamoDB_20120810.ListKeys"),
		"the wrong case":        request(ContentType, "trentservice.listkeys"),
		"space around the name": request(ContentType, "TrentService.ListKeys "),
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := Target(r)
			require.Equal(t, &Error{Code: UnknownOperation}, err)
			require.Equal(t, 400, EncodeError(err, "i").Status)
			require.Equal(t, `{"__type":"UnknownOperationException"}`, string(EncodeError(err, "i").Body))
		})
	}
}

func TestAnotherProtocolIsRefusedInXML(t *testing.T) {
	good := request(ContentType, "TrentService.ListKeys")
	get, path, none, twice := good, good, good, good
	get.Method = "GET"
	path.Path = "/x"
	none.Header = http.Header{"X-Amz-Target": {"TrentService.ListKeys"}}
	twice.Header = http.Header{"X-Amz-Target": {"TrentService.ListKeys"}, "Content-Type": {ContentType, ContentType}}
	rows := map[string]Request{
		"GET":               get,
		"a path":            path,
		"no content type":   none,
		"two content types": twice,
		"JSON 1.0":          request("application/x-amz-json-1.0", "TrentService.ListKeys"),
		"plain JSON":        request("application/json", "TrentService.ListKeys"),
		"garbage":           request(";;", "TrentService.ListKeys"),
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := Target(r)
			require.NotNil(t, err)
			got := EncodeError(err, "i")
			require.Equal(t, 404, got.Status)
			require.Equal(t, "<UnknownOperationException/>\n", string(got.Body))
			require.Equal(t, "i", got.Header.Get("x-amzn-RequestId"))
		})
	}
}
