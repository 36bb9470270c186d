eval "$(snapfix completion bash)"
