#compdef pdb-sync
# Completions of pdb-sync for zsh. The program itself says what fits, so they follow the configuration in force.
_pdb-sync() {
    local program="${words[1]/#\~\//$HOME/}" line value paths=
    local -a values open
    whence -- "$program" >/dev/null || program=@COMPLETER@
    # Without the quotes; of the current word only what stands before the cursor.
    local -a typed=("${(@Q)words[1,CURRENT-1]}")
    while IFS= read -r line; do
        case "$line" in
            files:*) paths=files value="${line#files:}" ;;
            directories:*) paths=directories value="${line#directories:}" ;;
            open:*) open+=("${line#open:}") ;;
            value:*) values+=("${line#value:}") ;;
        esac
    done < <(@VAR@=zsh "$program" -- "${typed[@]}" "${QIPREFIX}${PREFIX}" 2>/dev/null)
    if [[ -n "$paths" ]]; then
        [[ -n "$value" ]] && compset -P "${(b)value}"
        if [[ $paths == files ]]; then _files; else _files -/; fi
        return
    fi
    local found=1
    (( $#values )) && _describe -V 'pdb-sync' values && found=0
    (( $#open )) && _describe -V 'pdb-sync' open -S '' && found=0
    return found
}
# As a file in fpath this is the body of the function; sourced, it has to be registered.
if [[ "$funcstack[1]" == _pdb-sync ]]; then
    _pdb-sync "$@"
elif (( $+functions[compdef] )); then
    compdef _pdb-sync pdb-sync
else
    autoload -Uz compinit && compinit && compdef _pdb-sync pdb-sync
fi
