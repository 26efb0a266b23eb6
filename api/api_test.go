package api

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValidate(t *testing.T) {
	good := NewInfo("avir_test", "Test, version 1", Option{"Port", "3310"}, Option{"Address", ""})
	assert.NoError(t, Validate(good))
	longest := NewInfo("avir_"+strings.Repeat("n", MaxName-5), strings.Repeat("d", MaxDescription),
		Option{strings.Repeat("o", MaxOptionName), strings.Repeat("v", MaxOptionValue)})
	assert.NoError(t, Validate(longest), "texts that just fit are good")

	for name, c := range map[string]struct {
		spoil func(*Info)
		want  string
	}{
		"no name":                 {func(i *Info) { i.name = "" }, "begin it with avir_"},
		"only the prefix":         {func(i *Info) { i.name = "avir_" }, "begin it with avir_"},
		"name with extension":     {func(i *Info) { i.name = "avir_a.so" }, "without path and extension"},
		"name too long":           {func(i *Info) { i.name = longest.name + "n" }, "64 characters, at most 63"},
		"no description":          {func(i *Info) { i.description = "" }, "description: empty"},
		"description too long":    {func(i *Info) { i.description = longest.description + "d" }, "128 characters, at most 127"},
		"description not ASCII":   {func(i *Info) { i.description = "Žluť 1" }, "only printable ASCII"},
		"option without name":     {func(i *Info) { i.options[0].Name = "" }, "would end the list"},
		"option twice":            {func(i *Info) { i.options[1].Name = "PORT" }, "listed twice"},
		"option name too long":    {func(i *Info) { i.options[0].Name = strings.Repeat("o", 32) }, "at most 31"},
		"option default too long": {func(i *Info) { i.options[0].Default = strings.Repeat("v", 128) }, "at most 127"},
		"negative timeout":        {func(i *Info) { i.ScanTimeout = -1 }, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			bad.options = good.Options()
			c.spoil(&bad)
			assert.ErrorContains(t, Validate(bad), c.want)
		})
	}
}

func TestConfigIgnoresCaseAndNeverChanges(t *testing.T) {
	before := NewConfig([]Option{{"Port", "3310"}, {"Ž", "z"}})
	after, known := before.With("pORT", "1")
	assert.True(t, known)
	assert.Equal(t, "3310", before.Get("Port"))
	assert.Equal(t, "1", after.Get("PORT"))
	assert.Equal(t, []Setting{{"Port", "1"}, {"Ž", "z"}}, after.Settings())
	_, known = before.With("ž", "x")
	assert.False(t, known, "only ASCII letters fold")
	_, known = before.With("", "x")
	assert.False(t, known)
	assert.Equal(t, "", before.Get("unknown"))
	cut, _ := before.With("port", strings.Repeat("v", 200))
	assert.Len(t, cut.Get("port"), MaxOptionValue)
	assert.Equal(t, "", Config{}.Get("port"), "the zero Config is usable")
}

func TestVerdictNames(t *testing.T) {
	assert.Equal(t, "FAILED", Failed.String())
	assert.Equal(t, "OK", OK.String())
	assert.Equal(t, "VIRUS_FOUND", VirusFound.String())
	assert.Equal(t, "VIRUS_CURED", VirusCured.String())
	assert.Equal(t, "IMPOSSIBLE", Impossible.String())
	assert.Equal(t, "ERROR", Error.String())
	assert.Equal(t, "Verdict(7)", Verdict(7).String())
}

func collect() (*Logger, *[]string) {
	var lines []string
	return NewLogger(func(line string) { lines = append(lines, line) }), &lines
}

func TestLoggerWritesTheHostsPrefixes(t *testing.T) {
	log, lines := collect()
	log.Debugf("d %d", 1)
	log.Warningf("w\nsecond")
	log.Errorf("100%% %s", "%n")
	log.Securityf("ž\x07")
	log.Progress(42)
	assert.Equal(t, []string{"External_plugin: d 1", "WRN: w | second", "ERR: 100% %n", "SEC: ??", "PRO: 42"}, *lines)
}

func TestLoggerCutsLongTexts(t *testing.T) {
	log, lines := collect()
	log.Errorf("%s", strings.Repeat("x", 10_000))
	log.Debugf("%s", strings.Repeat("x", 10_000))
	assert.Len(t, (*lines)[0], MaxLogLine)
	assert.Len(t, (*lines)[1], MaxLogLine)
	assert.True(t, strings.HasSuffix((*lines)[1], "x..."))
}

func TestLoggerDropsWhatIsBelowItsLevel(t *testing.T) {
	log, lines := collect()
	log.SetLevel(slog.LevelError)
	log.Debugf("d")
	log.Warningf("w")
	log.Errorf("e")
	log.SetLevel(LevelSecurity)
	log.Errorf("e")
	log.Securityf("s")
	log.Progress(1)
	assert.Equal(t, []string{"ERR: e", "SEC: s", "PRO: 1"}, *lines)
}

func TestNilLoggerIsSilent(t *testing.T) {
	var log *Logger
	log.Errorf("e")
	log.Progress(1)
	log.SetLevel(slog.LevelInfo)
	slog.New(log.Handler()).Error("e")
	assert.False(t, log.Enabled(slog.LevelError))
}

func TestSlogHandlerFormatsRecords(t *testing.T) {
	log, lines := collect()
	logger := slog.New(log.Handler())
	logger.Info("started", "port", 3310)
	logger.With("clamd", "a b").WithGroup("scan").Warn("slow", slog.Group("file", "name", "x\ny"), "took", 2)
	logger.Log(context.Background(), LevelSecurity, "found")
	log.SetLevel(slog.LevelWarn)
	logger.Info("dropped")
	assert.Equal(t, []string{
		"External_plugin: started port=3310",
		"WRN: slow clamd=a b scan.file.name=x | y scan.took=2",
		"SEC: found",
	}, *lines)
}

func TestGoLogsAPanicAndGoesOn(t *testing.T) {
	lines := make(chan string, 1)
	log := NewLogger(func(line string) { lines <- line })
	Go(log, func() {
		var missing *int
		*missing = 1
	})
	line := <-lines
	assert.Contains(t, line, "ERR: a goroutine of the plugin panicked: runtime error: invalid memory address")
	assert.Contains(t, line, "api_test.go:")
}
