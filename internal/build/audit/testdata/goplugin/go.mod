module goplugin

go 1.23
