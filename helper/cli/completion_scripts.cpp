#include "cli/completion_scripts.hpp"

namespace snapfix::cli {
namespace {

// bash parts words at = and : too. What stands in front of the last of those stays on the line.
constexpr const char* k_bash =
    R"script(_snapfix_unquoted() { # REPLY: a word as it is meant; quote: the one that is open
  local text=$1 next
  REPLY='' quote=''
  while [[ $text ]]; do
    next=${text:0:1} text=${text:1}
    case $quote$next in
      \\ | \"\\) REPLY+=${text:0:1} text=${text:1} ;;
      \" | \') quote=$next ;;
      \"\" | \'\') quote='' ;;
      *) REPLY+=$next ;;
    esac
  done
}
_snapfix() {
  local words=() word line kept candidate i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == [=:]* || ${COMP_WORDS[i-1]} == *[=:] ]]; then
      words[${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
  done
  local quote
  for ((i = 0; i < ${#words[@]}; i++)); do
    _snapfix_unquoted "${words[i]}"
    words[i]=$REPLY
  done
  local last=$((${#words[@]} - 1))
  local current=${words[last]}
  unset "words[last]"
  kept=''
  case $current in
    *[=:]*) kept=${current%"${current##*[=:]}"} ;;
  esac
  COMPREPLY=()
  while IFS= read -r line; do
    candidate=${line%%$'\t'*}
    case $candidate in
      :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${current#"$kept"}") ;;
      :folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${current#"$kept"}") ;;
      :command)
        for ((i = 0; i < COMP_CWORD; i++)); do
          [[ ${COMP_WORDS[i]} != -- ]] || break
        done
        if declare -F _command_offset >/dev/null; then
          _command_offset $((i + 1))
        else
          mapfile -t COMPREPLY < <(compgen -c -f -- "$current")
        fi ;;
      *)
        candidate=${candidate#"$kept"}
        case $quote in
          \") candidate=$(sed 's/[\\"$`]/\\&/g' <<<"$candidate") ;;
          \') candidate=${candidate//\'/\'\\\'\'} ;;
          *) printf -v candidate %q "$candidate" ;;
        esac
        COMPREPLY+=("$candidate") ;;
    esac
  done < <("${words[0]}" completion bash "--current=$current" -- "${words[@]}" 2>/dev/null)
}
complete -F _snapfix snapfix
)script";

constexpr const char* k_zsh = R"script(#compdef snapfix
_snapfix() {
  local -a words_before candidates
  local line word last
  words_before=("${(@Q)words[1,CURRENT-1]}")
  for line in "${(@f)$("${words_before[1]}" completion zsh "--current=${(Q)words[CURRENT]}" -- "${words_before[@]}" 2>/dev/null)}"; do
    word=${line%%$'\t'*}
    case $word in
      '') ;;
      :files) compset -P '--[a-z-]#='; _files ;;
      :folders) compset -P '--[a-z-]#='; _files -/ ;;
      :command)
        last=${words[(i)--]}
        words=("${(@)words[last+1,-1]}")
        ((CURRENT -= last))
        _normal ;;
      *)
        line=${line#*$'\t'}
        candidates+=("${word//:/\\:}${line:+:$line}") ;;
    esac
  done
  ((! $#candidates)) || _describe -V snapfix candidates
}
if [[ ${funcstack[1]} == _snapfix ]]; then
  _snapfix "$@"
else
  compdef _snapfix snapfix
fi
)script";

constexpr const char* k_fish = R"script(function __snapfix_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] completion fish "--current=$current" -- $words 2>/dev/null)
        set -l option (string match -r -- '^--[a-z-]+=' "$current")
        set -l value (string replace -r -- '^--[a-z-]+=' '' "$current")
        switch $line
            case ':files*'
                printf "$option%s\n" (__fish_complete_path "$value")
            case ':folders*'
                printf "$option%s\n" (__fish_complete_directories "$value" '')
            case ':command*'
                set -l behind $words[(math (contains -i -- -- $words) + 1)..-1]
                complete -C (string join ' ' -- (string escape -- $behind) "$current")
            case '*'
                echo $line
        end
    end
end
complete -c snapfix -f -k -a '(__snapfix_complete)'
)script";

} // namespace

const char* script_for(Shell shell) {
  switch (shell) {
  case Shell::bash:
    return k_bash;
  case Shell::zsh:
    return k_zsh;
  case Shell::fish:
    return k_fish;
  }
  return "";
}

} // namespace snapfix::cli
