# Completions of pdb-sync for bash. The program itself says what fits, so they follow the configuration in force.
_pdb_sync() {
    local program="${1/#\~\//$HOME/}" current="${2-}" rest="${COMP_LINE-}" line paths='' index
    local -a words=()
    type "$program" >/dev/null 2>&1 || program=@COMPLETER@
    # bash divides words at = and : as well; what no blank divides is one word.
    for ((index = 0; index <= COMP_CWORD; index++)); do
        line="${COMP_WORDS[index]-}"
        if ((index > 0)) && [[ -n "${COMP_LINE-}" && "$rest" != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+="$line"
        else
            words+=("$line")
        fi
        rest="${rest#"${rest%%[![:blank:]]*}"}"
        rest="${rest#"$line"}"
    done
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
            files:*) paths=-f ;;
            directories:*) paths=-d ;;
            value:*) COMPREPLY+=("${line#value:}") ;;
        esac
    done < <(@VAR@=bash @VAR@_CURRENT="$current" "$program" -- "${words[@]}" 2>/dev/null)
    if [[ -n "$paths" ]]; then
        # readline knows best how to complete and quote paths; it does so where nothing else fits.
        if [[ $paths == -f ]] && compopt -o default 2>/dev/null; then return; fi
        if [[ $paths == -d ]] && compopt -o dirnames 2>/dev/null; then return; fi
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$paths" -- "$current")
    elif [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[/=,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _pdb_sync pdb-sync
