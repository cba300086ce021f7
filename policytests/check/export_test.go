package check

// AskedOfWorlds is for tests.
var AskedOfWorlds = askedOfWorlds
