snapfix completion fish | source
