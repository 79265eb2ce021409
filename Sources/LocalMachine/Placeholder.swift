enum PlaceholderLocalMachine {}
